"""What a paragraph is, told by its own properties or by the styles that its style is based on."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from app.parsing.docx.names import w

_HEADING_NAME = re.compile(r"^(?:heading|überschrift|titre|título|titolo|kop|rubrik|заголовок)\s*(\d)$", re.IGNORECASE)
_CODE_NAME = re.compile(r"code|source|verbatim|preformatted|listing", re.IGNORECASE)
MAX_BASED_ON = 12


class Styles:
    """Looks paragraphs up in a document's styles and numberings."""

    def __init__(self, styles: Element | None, numbering: Element | None) -> None:
        self._styles = {style.get(w("styleId")) or "": style for style in _children(styles, "style")}
        self._bullets = _bullets(numbering)

    def heading_level(self, paragraph: Element) -> int:
        """1 to 6 for a heading (the title is a 1), else 0."""
        for properties, name in self._chain(paragraph):
            outline = properties.find(w("outlineLvl")) if properties is not None else None
            level = outline.get(w("val")) if outline is not None else None
            if level is not None and level.isdecimal():
                return int(level) + 1 if int(level) < 6 else 0
            found = _HEADING_NAME.match(name)
            if found is not None or name.lower() == "title":
                return int(found[1]) if found is not None else 1
        return 0

    def is_title(self, paragraph: Element) -> bool:
        """Whether the paragraph is set as the document's title."""
        return any(name.lower() == "title" for _, name in self._chain(paragraph))

    def is_code(self, paragraph: Element) -> bool:
        """Whether the paragraph's style is one for listings."""
        return any(_CODE_NAME.search(name) for _, name in self._chain(paragraph))

    def list_place(self, paragraph: Element) -> tuple[str, int] | None:
        """The numbering and the depth of a list entry, or ``None`` for what is no list entry."""
        for properties, _ in self._chain(paragraph):
            numbering = properties.find(w("numPr")) if properties is not None else None
            if numbering is not None:
                number, depth = numbering.find(w("numId")), numbering.find(w("ilvl"))
                identity = number.get(w("val")) if number is not None else None
                level = depth.get(w("val")) if depth is not None else None
                # Number 0 takes a paragraph out of the list that its style would put it in.
                if identity is None or identity == "0":
                    return None
                return identity, int(level) if level is not None and level.isdecimal() else 0
        return None

    def is_bullet(self, numbering: str, depth: int) -> bool:
        """Whether entries at this depth have a bullet rather than a number."""
        return self._bullets.get((numbering, depth), True)

    def _chain(self, paragraph: Element) -> Iterator[tuple[Element | None, str]]:
        """The properties that apply to a paragraph, nearest first, each with its style's name."""
        own = paragraph.find(w("pPr"))
        yield own, ""
        reference = own.find(w("pStyle")) if own is not None else None
        for _ in range(MAX_BASED_ON):
            style = self._styles.get((reference.get(w("val")) or "") if reference is not None else "")
            if style is None:
                return
            name = style.find(w("name"))
            yield style.find(w("pPr")), (name.get(w("val")) or "") if name is not None else ""
            reference = style.find(w("basedOn"))


def _children(parent: Element | None, name: str) -> list[Element]:
    return [] if parent is None else parent.findall(w(name))


def _bullets(numbering: Element | None) -> dict[tuple[str, int], bool]:
    """For each numbering and depth, whether it shows bullets."""
    formats: dict[tuple[str, int], bool] = {}
    for abstract in _children(numbering, "abstractNum"):
        for level in abstract.findall(w("lvl")):
            shown, depth = level.find(w("numFmt")), level.get(w("ilvl")) or "0"
            is_bullet = shown is None or shown.get(w("val")) in {"bullet", "none"}
            formats[abstract.get(w("abstractNumId")) or "", int(depth) if depth.isdecimal() else 0] = is_bullet
    found: dict[tuple[str, int], bool] = {}
    for number in _children(numbering, "num"):
        reference = number.find(w("abstractNumId"))
        abstract_id = reference.get(w("val")) if reference is not None else None
        for (known, depth), is_bullet in formats.items():
            if known == abstract_id:
                found[number.get(w("numId")) or "", depth] = is_bullet
    return found
