"""Opening a Word file: what its parts are, and the errors that a file can hide."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

import docx
from docx.document import Document as WordDocument
from docx.opc.exceptions import OpcError

from app.parsing.archives import check_archive
from app.parsing.docx.names import w
from app.parsing.errors import DamagedDocument, PasswordNeeded
from app.parsing.limits import ParseLimits
from app.parsing.strict import transitional
from app.parsing.xml import XmlError, parse_xml, typed

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of a Word file that hold text or say what text is."""

    body: Element
    styles: Element | None
    numbering: Element | None
    notes: Mapping[tuple[str, str], Element] = field(default_factory=dict[tuple[str, str], Element])
    title: str = ""
    author: str = ""


def open_package(path: Path, limits: ParseLimits) -> Package:
    """The opened file. Raises PasswordNeeded, DamagedDocument or DocumentTooComplex."""
    with path.open("rb") as file:
        if file.read(4) == _COMPOUND_FILE:
            raise PasswordNeeded("The document is protected by a password. Remove the protection and try again.")
    check_archive(path, limits)
    try:
        return _package(_open(path))
    except (OpcError, KeyError, ValueError, AttributeError, IndexError, zipfile.BadZipFile, XmlError) as fault:
        # python-docx trusts a package's structure; what a broken one makes it trip over has many names.
        raise DamagedDocument("The document is damaged: it is not a complete Word file.") from fault


def _open(path: Path) -> WordDocument:
    try:
        return docx.Document(str(path))
    except KeyError:
        return docx.Document(transitional(path))


def _package(document: WordDocument) -> Package:
    parts: dict[str, Element] = {}
    for relationship in document.part.rels.values():
        kind = relationship.reltype.rsplit("/", 1)[-1]
        if not relationship.is_external and kind in {"styles", "numbering", "footnotes", "endnotes"}:
            parts[kind] = _root(relationship.target_part)
    notes: dict[tuple[str, str], Element] = {}
    for kind in ("footnote", "endnote"):
        for note in parts.get(f"{kind}s", ()):
            notes[kind, note.get(w("id")) or ""] = note
    properties = document.core_properties
    return Package(
        body=typed(getattr(document.element, "body")),  # noqa: B009 - python-docx declares it on no type
        styles=parts.get("styles"),
        numbering=parts.get("numbering"),
        notes=notes,
        title=properties.title or "",
        author=properties.author or "",
    )


def _root(part: object) -> Element:
    """The root element of a part, parsed by python-docx or, for a part it keeps as bytes, here."""
    element = getattr(part, "element", None)
    return parse_xml(getattr(part, "blob", b"")) if element is None else typed(element)
