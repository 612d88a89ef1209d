"""``minirag init``: the ``.env`` of a production installation, with secrets nobody has seen before."""

import base64
import os
import secrets
from pathlib import Path

import click

from app.cli.complaints import Complaint


def fernet_key() -> str:
    """Thirty-two random bytes in URL-safe base64, which is what Fernet calls a key."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")


def environment_file() -> str:
    """The text of the file. Passwords are hexadecimal: they need no escaping in a URL or a command."""
    return f"""\
# Made by `minirag init`. These secrets exist nowhere else: keep a copy of this file in a safe place.
# Without the encryption keys, stored provider credentials cannot be opened again.

# For docker-compose.yml, which builds the services' addresses from them.
POSTGRES_PASSWORD={secrets.token_hex(24)}
REDIS_PASSWORD={secrets.token_hex(24)}

# For MiniRAG. Every other setting is explained in .env.example.
MINIRAG_QDRANT_API_KEY={secrets.token_hex(24)}
MINIRAG_ADMIN_KEY=mra_{secrets.token_urlsafe(32)}
MINIRAG_ENCRYPTION_KEYS={fernet_key()}
MINIRAG_TOKEN_PEPPER={secrets.token_hex(32)}
MINIRAG_JWT_KEY={secrets.token_hex(32)}
MINIRAG_METRICS_TOKEN={secrets.token_hex(24)}
"""


@click.command()
@click.option("--path", default=".env", show_default=True, type=click.Path(path_type=Path), help="File to write.")
def init(path: Path) -> None:
    """Write a .env with fresh secrets for docker compose."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Complaint(
            f"{path} exists and is not touched: its secrets may be in use. Name another with --path."
        ) from None
    except OSError as fault:
        raise Complaint(f"{path} cannot be written: {fault.strerror}.") from fault
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(environment_file())
    click.echo(f"Wrote {path}, readable by you alone. Start everything with: docker compose up -d --build")
