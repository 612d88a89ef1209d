"""How much a document may cost, whatever it claims about itself."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int], None]
"""Called with the pages (or chapters) done and the number there are."""


def no_progress(done: int, total: int) -> None:
    """The listener of those who do not listen."""


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Bounds that hold for every format; exceeding one raises DocumentTooComplex unless stated otherwise.

    ``max_chars`` bounds the normalised text. ``max_archive_ratio`` compares an archive entry's unpacked size with its
    packed size and counts only for entries above one megabyte, as short repetitive files compress very well and harm
    nobody. ``max_cell_chars`` cuts a table cell instead of refusing the document. ``max_table_page_objects`` is the
    number of drawn paths above which a PDF page is read as text only, because looking for a grid there takes minutes.
    """

    max_chars: int = 50_000_000
    max_pages: int = 20_000
    max_archive_bytes: int = 512 * 1024 * 1024
    max_archive_entries: int = 20_000
    max_archive_ratio: int = 200
    max_depth: int = 256
    max_table_cells: int = 2_000_000
    max_table_columns: int = 1_000
    max_cell_chars: int = 20_000
    max_table_page_objects: int = 4_000
