"""Why a document could not be read, each with the code that a run reports.

AppError
├── UnsupportedType
│   └── UnsupportedDocument   415  unsupported_type       (said at once, at the door)
└── DocumentError             422                         (ends a run)
    ├── DamagedDocument            document_damaged
    ├── PasswordNeeded             document_password
    ├── DocumentTooComplex         document_too_complex
    ├── DocumentTimeout            document_timeout
    ├── DocumentMemory             document_memory
    └── ParserCrashed              parser_crashed         (the only one worth another try)
"""

from typing import ClassVar

from app.kit.errors import AppError, UnsupportedType


class UnsupportedDocument(UnsupportedType):
    """The bytes are of a kind that has no parser here; the detail lists the kinds that have one."""


class DocumentError(AppError):
    """The document itself stands in the way. ``transient`` says whether trying again may help."""

    status = 422
    code = "document_unreadable"
    title = "The document could not be read"
    transient: ClassVar[bool] = False


class DamagedDocument(DocumentError):
    """The file breaks the rules of its own format."""

    code = "document_damaged"
    title = "The document is damaged"


class PasswordNeeded(DocumentError):
    """The file is encrypted and the empty password does not open it."""

    code = "document_password"
    title = "The document is protected by a password"


class DocumentTooComplex(DocumentError):
    """Reading the file would cost more than its limits allow: archives that explode, endless pages, huge cells."""

    code = "document_too_complex"
    title = "The document is too complex"


class DocumentTimeout(DocumentError):
    """Reading the file took longer than its deadline, and the parser was ended."""

    code = "document_timeout"
    title = "The document took too long to read"


class DocumentMemory(DocumentError):
    """Reading the file needed more memory than a parser may have, and the parser was ended."""

    code = "document_memory"
    title = "The document needs too much memory"


class ParserCrashed(DocumentError):
    """The parser died without a word. A second death on the same file makes it a quarantined one."""

    code = "parser_crashed"
    title = "The parser stopped unexpectedly"
    transient = True
