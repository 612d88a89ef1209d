"""What people see: tables, progress and text that cannot play tricks on their terminal."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # rich is loaded by the command that draws.
    from rich.console import Console

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def console(*, stderr: bool = False) -> "Console":
    """A console for the present streams: colours in a terminal, plain text elsewhere."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True, emoji=False)


def plain(value: object) -> str:
    """A value as text that only prints: a document's title must not move the cursor or reverse the writing."""
    if value is None:
        return ""
    return _CONTROL.sub("", str(value))


def when(moment: object) -> str:
    """An API time in the person's own time zone, to the minute; empty for none."""
    from datetime import datetime

    if not isinstance(moment, str):
        return ""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return plain(moment)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, nothing: str) -> None:
    """Print rows under their headings, or ``nothing`` when there are none. A heading with a hash aligns right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = [[Text(plain(cell)) for cell in row] for row in rows]
    if not drawn:
        click.echo(nothing)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading.lstrip("#"), justify="right" if heading.startswith("#") else "left", overflow="fold")
    for row in drawn:
        table.add_row(*row)
    out = console()
    out.print(table, soft_wrap=False)


def show_json(value: object) -> None:
    """Print JSON for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def is_terminal() -> bool:
    """Whether somebody watches the output."""
    return sys.stdout.isatty()
