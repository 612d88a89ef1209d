"""What a page gives before anything is made of it. Coordinates are PDF's own: points, from the bottom left."""

from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. ``height`` stands for the font's size; ``fixed`` is a typewriter face, ``bold`` a heavy one."""

    text: str
    left: float
    bottom: float
    right: float
    height: float
    fixed: bool = False
    bold: bool = False

    @property
    def middle(self) -> tuple[float, float]:
        """The centre of the line's box."""
        return (self.left + self.right) / 2, self.bottom + self.height / 2


@dataclass(frozen=True, slots=True)
class Edge:
    """A straight horizontal or vertical stroke, or a side of a box."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Table:
    """A ruled table: where it is and its rows, every row of the same width."""

    box: Box
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page's lines in the order of its content, its tables, its height, and whether it shows anything but text."""

    lines: tuple[Line, ...]
    tables: tuple[Table, ...]
    height: float
    has_graphics: bool


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline: ``page`` counts from 0, ``level`` from 1."""

    title: str
    page: int
    level: int
