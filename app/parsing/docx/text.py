"""The text of a paragraph as a reader with all changes accepted sees it."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from app.parsing.docx.names import MC, M, w

# Deleted and moved-away text, instructions of fields, properties, and the pronunciation above ruby text.
_SKIPPED = frozenset(
    w(name)
    for name in ("del", "moveFrom", "instrText", "delText", "delInstrText", "pPr", "rPr", "sdtPr", "rt", "tblPr")
)
_FIXED = {
    w("tab"): " ",
    w("ptab"): " ",
    w("br"): "\n",
    w("cr"): "\n",
    w("noBreakHyphen"): "-",
}
_NOTES = {w("footnoteReference"): "footnote", w("endnoteReference"): "endnote"}

NoteKey = tuple[str, str]
"""``footnote`` or ``endnote``, and its id."""

NoteNumbers = dict[NoteKey, int]


@dataclass(slots=True)
class ParagraphText:
    """A paragraph's own text, the notes that it refers to, and the text boxes that hang on it."""

    numbers: NoteNumbers
    parts: list[str] = field(default_factory=list[str])
    notes: list[NoteKey] = field(default_factory=list[NoteKey])
    boxes: list[Element] = field(default_factory=list[Element])

    def refer(self, key: NoteKey) -> None:
        """Notes a reference, with its number in brackets in the text."""
        number = self.numbers.setdefault(key, len(self.numbers) + 1)
        self.notes.append(key)
        self.parts.append(f"[{number}]")

    @property
    def text(self) -> str:
        """The text in one piece."""
        return "".join(self.parts)


def read_paragraph(paragraph: Element, numbers: NoteNumbers) -> ParagraphText:
    """Reads one ``w:p`` element; notes that it is the first to refer to get the next number in ``numbers``."""
    found = ParagraphText(numbers)
    _read(paragraph, found)
    return found


def _read(parent: Element, found: ParagraphText) -> None:
    for node in parent:
        tag = node.tag
        # Comments and processing instructions have a function for a tag.
        if not isinstance(tag, str) or tag in _SKIPPED:  # pyright: ignore[reportUnnecessaryIsInstance] - lxml, see above
            continue
        if tag in {w("t"), f"{{{M}}}t"}:
            found.parts.append(node.text or "")
        elif tag in _FIXED:
            found.parts.append(_FIXED[tag])
        elif tag in _NOTES:
            found.refer((_NOTES[tag], node.get(w("id")) or ""))
        elif tag == w("txbxContent"):
            found.boxes.append(node)
        elif tag == f"{{{MC}}}AlternateContent":
            _read_alternative(node, found)
        else:
            _read(node, found)


def _read_alternative(node: Element, found: ParagraphText) -> None:
    """One of several ways to show the same thing: the first that is meant for programs of today."""
    for name in ("Choice", "Fallback"):
        chosen = node.find(f"{{{MC}}}{name}")
        if chosen is not None:
            _read(chosen, found)
            return
