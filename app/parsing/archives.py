"""Archives that documents come in: judged by their directory before anything is unpacked."""

import zipfile
import zlib
from pathlib import Path

from app.parsing.errors import DamagedDocument, DocumentTooComplex, PasswordNeeded
from app.parsing.limits import ParseLimits

RATIO_FREE_BYTES = 1 << 20
_MARKUP = (".xml", ".rels", ".opf", ".ncx")
_DECLARATIONS = tuple("<!ENTITY".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def check_archive(path: Path, limits: ParseLimits) -> list[str]:
    """The names of the entries of a ZIP file whose directory promises to stay within the limits.

    Unpacking stops at the promised sizes, so an entry cannot be larger than it says. XML parts that declare entities
    are refused: neither Word nor any EPUB needs one, and a few lines of them unpack to gigabytes. Raises
    DamagedDocument, PasswordNeeded or DocumentTooComplex.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(entries, limits)
            for entry in entries:
                if entry.filename.lower().endswith(_MARKUP):
                    _check_markup(archive.read(entry))
            return [entry.filename for entry in entries]
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as fault:
        raise DamagedDocument("The document is damaged: its archive could not be read.") from fault
    except zlib.error as fault:
        raise DamagedDocument("The document is damaged: its archive could not be unpacked.") from fault


def _check_sizes(entries: list[zipfile.ZipInfo], limits: ParseLimits) -> None:
    if len(entries) > limits.max_archive_entries:
        raise DocumentTooComplex(f"The document's archive has more than {limits.max_archive_entries:,} entries.")
    if sum(entry.file_size for entry in entries) > limits.max_archive_bytes:
        raise DocumentTooComplex("The document's archive unpacks to more than may be read.")
    for entry in entries:
        if entry.flag_bits & 1:
            raise PasswordNeeded("The document is protected by a password. Remove the protection and try again.")
        if entry.file_size > max(RATIO_FREE_BYTES, limits.max_archive_ratio * entry.compress_size):
            raise DocumentTooComplex("The document's archive unpacks to many times its size, as archive bombs do.")


def _check_markup(body: bytes) -> None:
    if any(declaration in body for declaration in _DECLARATIONS):
        raise DocumentTooComplex("The document declares XML entities, which documents do not need.")
