"""EPUB: chapters in the order of the book's spine, named by its table of contents."""

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from selectolax.lexbor import LexborHTMLParser

from app.kit.blocks import ParsedDocument
from app.parsing.archives import check_archive
from app.parsing.builder import TextBuilder
from app.parsing.decode import decode_markup
from app.parsing.errors import DamagedDocument, DocumentTooComplex
from app.parsing.html.parser import tree_of, walk_page
from app.parsing.limits import ParseLimits, Progress
from app.parsing.xml import parse_xml

CONTAINER = "META-INF/container.xml"
_CHAPTERS = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_NAVIGATION = frozenset({"nav", "toc", "ncx"})


def parse_epub(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The book in an EPUB file. Raises DamagedDocument, PasswordNeeded or DocumentTooComplex."""
    names = set(check_archive(path, limits))
    builder = TextBuilder(limits)
    with zipfile.ZipFile(path) as archive:
        book = _Book(archive, names)
        chapters = book.chapters()
        for number, (name, title) in enumerate(chapters, start=1):
            _append(builder, book, name, title, limits)
            on_progress(number, len(chapters))
        metadata = {key: value for key in ("creator", "language", "publisher") if (value := book.about(key))}
        return builder.build(title=book.about("title"), metadata=metadata)


class _Book:
    """The package document of an open archive (EPUB 3.3, chapter 5)."""

    def __init__(self, archive: zipfile.ZipFile, names: set[str]) -> None:
        self._archive = archive
        self._names = names
        container = parse_xml(self.read(CONTAINER))
        rootfile = next(_named(container, "rootfile"), None)
        self._path = (rootfile.get("full-path") or "") if rootfile is not None else ""
        self._package = parse_xml(self.read(self._path))
        self._items = {item.get("id") or "": item for item in _named(self._package, "item")}

    def read(self, name: str) -> bytes:
        """A part of the archive. Raises DamagedDocument where it is missing or broken."""
        try:
            return self._archive.read(name)
        except (KeyError, zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as fault:
            raise DamagedDocument("The book is damaged: a part of it is missing or broken.") from fault

    def about(self, name: str) -> str:
        """An entry of the book's metadata."""
        found = next(_named(self._package, name), None)
        return (found.text or "").strip() if found is not None else ""

    def chapters(self) -> list[tuple[str, str]]:
        """The chapters' parts in reading order, each with its title in the table of contents."""
        titles = self._titles()
        found: list[tuple[str, str]] = []
        for reference in _named(self._package, "itemref"):
            item = self._items.get(reference.get("idref") or "")
            if item is None or item.get("media-type") not in _CHAPTERS or _is_navigation(item):
                continue
            name = self._place(self._path, item.get("href") or "")
            if name in self._names:
                found.append((name, titles.get(name, "")))
        return found

    def _titles(self) -> dict[str, str]:
        """For each part, the first title that the table of contents gives it."""
        titles: dict[str, str] = {}
        for item in self._items.values():
            name = self._place(self._path, item.get("href") or "")
            if name not in self._names:
                continue
            if "nav" in (item.get("properties") or "").split():
                entries = _links(tree_of(decode_markup(self.read(name))))
            elif item.get("media-type") == "application/x-dtbncx+xml":
                entries = _points(parse_xml(self.read(name)))
            else:
                continue
            for target, title in entries:
                titles.setdefault(self._place(name, target), title)
        return titles

    @staticmethod
    def _place(base: str, reference: str) -> str:
        """A reference's part name, relative to the part it stands in; nothing is ever looked up outside the archive."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(reference.partition("#")[0])))


def _append(builder: TextBuilder, book: _Book, name: str, title: str, limits: ParseLimits) -> None:
    """A chapter, led by its title where its own text does not begin with a heading."""
    try:
        tree = tree_of(decode_markup(book.read(name)))
    except (DamagedDocument, DocumentTooComplex):
        builder.warn("A chapter could not be read and was left out.")
        return
    if title and not _begins_with_heading(tree):
        builder.heading(title, 1)
    walk_page(tree, builder, limits)


def _begins_with_heading(tree: LexborHTMLParser) -> bool:
    return tree.css_first("h1, h2, h3") is not None


def _is_navigation(item: Element) -> bool:
    return bool(_NAVIGATION & set((item.get("properties") or "").split()))


def _named(root: Element, name: str) -> Iterator[Element]:
    """All elements of a local name, whatever their namespace."""
    for node in root.iter():
        # Comments have a function for a tag, which as a word is nobody's name.
        _, _, local = str(node.tag).rpartition("}")
        if local == name:
            yield node


def _links(tree: LexborHTMLParser) -> list[tuple[str, str]]:
    return [(link.attributes.get("href") or "", link.text(deep=True).strip()) for link in tree.css("nav a[href]")]


def _points(root: Element) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for point in _named(root, "navPoint"):
        label, content = next(_named(point, "text"), None), next(_named(point, "content"), None)
        if label is not None and content is not None:
            found.append((content.get("src") or "", (label.text or "").strip()))
    return found
