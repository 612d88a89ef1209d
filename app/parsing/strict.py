"""The strict variant of office files: other names for the same namespaces, and nothing else that matters here."""

import io
import zipfile
from pathlib import Path

_STRICT = b"http://purl.oclc.org/ooxml/"
_NAMES = (
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships", b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"),
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main", b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/presentationml/main", b"http://schemas.openxmlformats.org/presentationml/2006/main"),
    (b"http://purl.oclc.org/ooxml/officeDocument/math", b"http://schemas.openxmlformats.org/officeDocument/2006/math"),
    (b"http://purl.oclc.org/ooxml/drawingml/main", b"http://schemas.openxmlformats.org/drawingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/drawingml/table", b"http://schemas.openxmlformats.org/drawingml/2006/table"),
)  # fmt: skip


def transitional(path: Path) -> io.BytesIO:
    """The file with the namespaces of the strict variant (ECMA-376, part 1) replaced by the usual ones (part 4)."""
    rewritten = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(rewritten, "w") as target:
        for name in source.namelist():
            body = source.read(name)
            if _STRICT in body and name.endswith((".xml", ".rels")):
                for strict, usual in _NAMES:
                    body = body.replace(strict, usual)
            target.writestr(name, body)
    rewritten.seek(0)
    return rewritten
