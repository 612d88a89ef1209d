"""The commands that are the service: each becomes one process until it is told to stop."""

from typing import TYPE_CHECKING, Any, NoReturn

import click

from app.cli.complaints import Complaint, Misconfigured

if TYPE_CHECKING:  # Settings bring Pydantic, which --help can do without.
    from app.settings import Settings

host = click.option("--host", help="Address to bind. [MINIRAG_HOST or 127.0.0.1]")
port = click.option("--port", type=click.IntRange(0, 65535), help="Port to bind; 0: any. [MINIRAG_PORT or 8000]")
data_dir = click.option("--data-dir", metavar="FOLDER", help="Data folder. [MINIRAG_DATA_DIR or ./data]")


def read_settings(**overrides: Any) -> "Settings":
    """The settings, with what the command line said over them. Raises Misconfigured when one is wrong."""
    from pydantic import ValidationError

    from app.settings import Settings

    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as fault:
        wrong = [f"MINIRAG_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in fault.errors()]
        raise Misconfigured("These settings cannot be used:\n  " + "\n  ".join(wrong)) from None


@click.command()
@host
@port
@data_dir
def serve(host: str | None, port: int | None, data_dir: str | None) -> NoReturn:
    """Run everything in one process.

    Needs no other services; uses those that MINIRAG_DATABASE_URL, MINIRAG_REDIS_URL and MINIRAG_QDRANT_URL name.
    """
    settings = read_settings(host=host, port=port, data_dir=data_dir)
    from app.embedded import serve as run

    raise SystemExit(run(settings))


@click.command()
@host
@port
def web(host: str | None, port: int | None) -> NoReturn:
    """Run a web process (production)."""
    settings = read_settings(host=host, port=port)
    from app.asgi import serve_web

    raise SystemExit(serve_web(settings))


@click.command()
def worker() -> NoReturn:
    """Run a worker process (production)."""
    settings = read_settings()
    from app.worker import serve_worker

    raise SystemExit(serve_worker(settings))


@click.command()
@data_dir
def migrate(data_dir: str | None) -> None:
    """Bring the database to this version's schema."""
    import asyncio

    from sqlalchemy.exc import SQLAlchemyError

    from app.migrate import upgrade

    settings = read_settings(data_dir=data_dir)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        found = asyncio.run(upgrade(settings.effective_database_url))
    except (OSError, SQLAlchemyError) as fault:
        raise Complaint(f"The database could not be migrated: {reason(fault)}") from fault
    if found.is_current:
        click.echo(f"The schema is at {found.newest}; there is nothing to do.")
    else:
        click.echo(f"The schema went from {found.stored or 'nothing'} to {found.newest}.")


def reason(fault: Exception) -> str:
    """The driver's own first line: SQLAlchemy adds the statement and a link to it."""
    cause = getattr(fault, "orig", None) or fault
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
