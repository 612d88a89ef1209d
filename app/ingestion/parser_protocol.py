"""What the service and its parser processes say to each other, over a socket.

Each message is four bytes of length, most significant first, and MessagePack. Both sides decode into declared types
and nothing else: a parser that a hostile document has taken over can lie about the document, but not run code in the
service, as it could with pickles.
"""

from collections.abc import Callable

import msgspec

from app.kit.blocks import ParsedDocument
from app.parsing.errors import (
    DamagedDocument,
    DocumentError,
    DocumentMemory,
    DocumentTimeout,
    DocumentTooComplex,
    PasswordNeeded,
)
from app.parsing.limits import ParseLimits
from app.parsing.media import MediaType

LENGTH_BYTES = 4
MEMORY_EXIT = 77
"""The exit status of a child that found itself above its memory cap."""


class Request(msgspec.Struct, frozen=True):
    """Parse this file. ``deadline_s`` is when the child ends itself, should nobody be there to end it."""

    path: str
    kind: MediaType
    limits: ParseLimits
    deadline_s: int


class ProgressMade(msgspec.Struct, frozen=True, tag="progress"):
    """So many pages are done, of so many."""

    done: int
    total: int


class Parsed(msgspec.Struct, frozen=True, tag="parsed"):
    """The document, and how much memory the child holds after it."""

    document: ParsedDocument
    resident_bytes: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The document cannot be read: the error's code and its sentence."""

    code: str
    detail: str
    resident_bytes: int


Reply = ProgressMade | Parsed | Refused

_ERRORS = {
    error.code: error
    for error in (DamagedDocument, PasswordNeeded, DocumentTooComplex, DocumentTimeout, DocumentMemory)
}
_encode = msgspec.msgpack.Encoder().encode
decode_request: Callable[[bytes], Request] = msgspec.msgpack.Decoder(Request).decode
decode_reply: Callable[[bytes], Reply] = msgspec.msgpack.Decoder(Reply).decode


def frame(message: Request | Reply) -> bytes:
    """The message as it goes over the socket."""
    body = _encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def error_of(refusal: Refused) -> DocumentError:
    """The error that a child reported, made again on this side."""
    return _ERRORS.get(refusal.code, DamagedDocument)(refusal.detail)
