"""Where the commands for operators find the platform's admin key."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.complaints import Complaint

if TYPE_CHECKING:
    from app.cli.target import Target


def find_admin_key(target: "Target", data_dir: str | None) -> str:
    """From ``--data-dir``, ``MINIRAG_ADMIN_KEY``, the data folder here (for a server on this machine), or by asking.

    Raises Complaint when the folder that was named has none.
    """
    if data_dir is not None:
        key = _kept(Path(data_dir))
        if key is None:
            raise Complaint(
                f"There is no readable {Path(data_dir) / 'secrets' / 'admin_key'}; was a server started there?"
            )
        return key
    if given := os.environ.get("MINIRAG_ADMIN_KEY", "").strip():
        return given
    if target.is_local and (key := _kept(Path(os.environ.get("MINIRAG_DATA_DIR") or "data"))):
        return key
    return str(click.prompt("Admin key (in <data>/secrets/admin_key)", hide_input=True, err=True)).strip()


def _kept(folder: Path) -> str | None:
    try:
        return (folder / "secrets" / "admin_key").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
