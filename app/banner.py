"""What ``minirag serve`` says when it is ready: where it is, where its key is, and the first thing to try."""

import sys
from pathlib import Path

from app.settings import Settings

USUAL = "http://127.0.0.1:8000"

_TEXT = """
  MiniRAG is ready at {address}

  How to use it  {address}/docs
  Admin key      {key_place}
  Data           {data}

  Make your first tenant:

    curl -s {address}/v1/tenants \\
      -H "Authorization: Bearer {key_use}" \\
      -H "Content-Type: application/json" \\
      -d '{{"name": "Acme"}}'

  or, in another terminal:  {command}tenants create Acme

"""


def announce(settings: Settings, address: str) -> None:
    """Write the banner to stdout. The key itself is never shown, only where it lies."""
    file = settings.data_dir / "secrets" / "admin_key"
    given = settings.admin_key is not None
    sys.stdout.write(
        _TEXT.format(
            address=address,
            key_place="as given by MINIRAG_ADMIN_KEY" if given else f"in {shown(file)}",
            key_use="$MINIRAG_ADMIN_KEY" if given else f"$(cat {shown(file)})",
            data=shown(settings.data_dir),
            command=command_for(address),
        )
    )
    sys.stdout.flush()


def shown(path: Path) -> str:
    """A path as short as it can be typed from here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path.absolute())


def command_for(address: str) -> str:
    """How to call the command line for this server, by the path it was itself called by.

    The address is only named where it is not the usual one.
    """
    program = Path(sys.argv[0])
    name = shown(program) if program.name == "minirag" and program.is_file() else "minirag"
    return f"{name} " if address == USUAL else f"MINIRAG_URL={address} {name} "
