"""``minirag keys rotate``: seal stored credentials anew with the newest encryption key."""

from typing import TYPE_CHECKING

import click

from app.cli.complaints import Complaint
from app.cli.process import data_dir, read_settings, reason

if TYPE_CHECKING:  # The report's class comes with the database.
    from app.settings import Settings
    from app.tenants.keys import RotationReport


@click.group()
def keys() -> None:
    """Encryption keys of stored credentials."""


@keys.command()
@click.option("--apply", "apply", is_flag=True, help="Do it. Without this, only say what would be done.")
@data_dir
def rotate(apply: bool, data_dir: str | None) -> None:
    """Seal every credential with the newest key.

    Put the new key first in MINIRAG_ENCRYPTION_KEYS, keep the old one behind it, restart every process, then rotate. It
    may run while the service does, and may be repeated.
    """
    import asyncio

    report = asyncio.run(_rotate(read_settings(data_dir=data_dir), dry_run=not apply))
    for sentence in report.broken:
        click.secho(sentence, fg="red", err=True)
    for fingerprint, count in sorted(report.by_fingerprint.items()):
        click.echo(f"  key {fingerprint}: {count} credentials")
    if report.dry_run:
        click.echo(f"{report.resealed} credentials would be sealed anew. Do it with: minirag keys rotate --apply")
    else:
        click.echo(f"{report.resealed} credentials were sealed anew.")
    if report.changed_meanwhile:
        click.echo(f"{report.changed_meanwhile} were edited at that moment; run it once more.")
    if report.broken:
        raise Complaint(f"{len(report.broken)} credentials do not open with any configured key.")


async def _rotate(settings: "Settings", *, dry_run: bool) -> "RotationReport":
    from sqlalchemy.exc import SQLAlchemyError

    from app.kit.database import Database
    from app.kit.errors import AppError
    from app.kit.sealing import Sealer
    from app.secrets import load_secrets
    from app.tenants.keys import rotate as reseal

    database: Database | None = None
    try:
        sealer = Sealer(load_secrets(settings).encryption_keys)
        database = Database(settings.effective_database_url)
        return await reseal(database, sealer, dry_run)
    except AppError as fault:
        raise Complaint(fault.detail) from fault
    except (OSError, SQLAlchemyError) as fault:
        raise Complaint(f"The database cannot be read: {reason(fault)}. Is it migrated? minirag migrate") from fault
    finally:
        if database is not None:
            await database.aclose()
