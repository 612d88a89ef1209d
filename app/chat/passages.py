"""A source cut into what can be quoted: sentences, list items, and table rows with the header that explains them."""

import re
from dataclasses import dataclass

from app.kit.sentences import sentence_spans

_LINE = r"[ \t]*(?:\||[-*•] |\d{1,3}[.)] |#{1,6} )"
_PROSE_OR_LINE = re.compile(rf"^(?:(?P<line>{_LINE}[^\n]+)|(?:(?!{_LINE})[^\n]*\S[^\n]*(?:\n|\Z))+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Passage:
    """A quotable span of a source's text. ``header`` is the first row of the table it is a row of, else empty."""

    start: int
    end: int
    text: str
    header: str = ""

    @property
    def is_row(self) -> bool:
        """Whether it is a row of a table."""
        return self.text.startswith("|")


def passages(text: str, prefix: str = "") -> list[Passage]:
    """The passages of a text in order; a sentence may run over line ends. ``prefix`` is a repeated table header."""
    found: list[Passage] = []
    header = prefix.strip().partition("\n")[0] if prefix.strip().startswith("|") else ""
    for start, end, is_line in _spans(text):
        piece = text[start:end].strip()
        if not (is_line and piece.startswith("|")):
            header = ""
            found.append(Passage(start, end, piece))
        elif header:
            found.append(Passage(start, end, piece, header))
        else:
            header = piece
            found.append(Passage(start, end, piece))
    return found


def _spans(text: str) -> list[tuple[int, int, bool]]:
    spans: list[tuple[int, int, bool]] = []
    for match in _PROSE_OR_LINE.finditer(text):
        start, end = match.span()
        if match.group("line") is not None:
            spans.append((start, end, True))
        else:
            spans += [(start + first, start + last, False) for first, last in sentence_spans(text[start:end])]
    return spans


def cells(row: str) -> list[str]:
    """The cells of a table row as the parsers write it, ``| a | b |``; an escaped bar stays in its cell."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def as_sentence(passage: Passage) -> str:
    """A passage as it can be quoted: white space folded, a table row as ``header: value; …``."""
    if not passage.is_row:
        return " ".join(passage.text.split())
    values, names = cells(passage.text), cells(passage.header) if passage.header else []
    if len(names) != len(values):
        return "; ".join(value for value in values if value)
    return "; ".join(f"{name}: {value}" if name else value for name, value in zip(names, values, strict=True) if value)
