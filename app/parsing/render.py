"""How lists and tables are written into a document's text."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.parsing.normalise import clean_line, clean_prose

MAX_INDENT = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list: ``depth`` 0 is the outermost, ``marker`` is ``-`` or a number with its stop.

    Without a marker it goes on with the entry before it.
    """

    text: str
    depth: int = 0
    marker: str = "-"


def render_list(items: Sequence[Item]) -> str:
    """The entries, one a line; further lines of an entry stand under its text, nested entries two spaces in."""
    lines: list[str] = []
    for item in items:
        text = clean_prose(item.text)
        if text:
            indent = "  " * min(item.depth, MAX_INDENT)
            hanging = text.replace("\n", f"\n{indent}  ")
            lines.append(f"{indent}{clean_line(item.marker) or ' '} {hanging}")
    return "\n".join(lines).lstrip()


def render_row(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def render_cell(text: str) -> str:
    """A cell's text on one line, with bars that are not borders marked as such."""
    return clean_line(text).replace("|", "\\|")
