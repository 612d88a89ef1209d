"""Reading ``multipart/form-data`` (RFC 7578) as it arrives: the file goes on to its place piece by piece.

Litestar's own form reading would first put every file aside on the disk, only for it to be copied again, and reads
the text fields without a limit.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from app.ingestion.routes.multipart_parts import Part, PartEvent, parts_of
from app.kit.errors import Invalid

MULTIPART: Final = "multipart/form-data"
FILE: Final = "file"
_FIELD_BYTES: Final = 64 * 1024

Received = TypeVar("Received")
Take = Callable[[str, AsyncIterator[bytes]], Awaitable[Received]]
"""Takes the file in, given its name and its content."""


@dataclass(slots=True)
class Form(Generic[Received]):
    """The text fields by name, and what became of the file."""

    fields: dict[str, str] = field(default_factory=dict[str, str])
    file: Received | None = None


async def read_form(
    stream: AsyncGenerator[bytes], content_type: str, limit_bytes: int, take: Take[Received], form: Form[Received]
) -> None:
    """Fill ``form`` from a request's body; what has come by then is in it also where this raises.

    Raises what ``parts_of`` and ``take`` raise, and Invalid for a field that is sent twice, is too long or is not
    text.
    """
    async with aclosing(parts_of(stream, content_type, limit_bytes)) as events:
        async for event in events:
            if isinstance(event, Part):
                await _read_part(event, events, take, form)


async def _read_part(part: Part, events: AsyncIterator[PartEvent], take: Take[Received], form: Form[Received]) -> None:
    name = part.name
    if name != FILE:
        if name in form.fields:
            raise Invalid.field(name, "is sent twice")
        form.fields[name] = await _text(name, events)
        return
    if form.file is not None:
        raise Invalid.field(FILE, "is sent twice; send one file for each request")
    if not part.file_name:
        raise Invalid.field(FILE, "must be sent as a file, with its name")
    form.file = await take(part.file_name, _content(events))


async def _content(events: AsyncIterator[PartEvent]) -> AsyncIterator[bytes]:
    """The pieces of the present part, up to its end."""
    async for event in events:
        if not isinstance(event, bytes):
            return
        yield event


async def _text(name: str, events: AsyncIterator[PartEvent]) -> str:
    value = bytearray()
    async for piece in _content(events):
        value += piece
        if len(value) > _FIELD_BYTES:
            raise Invalid.field(name, f"is longer than {_FIELD_BYTES:,} bytes")
    try:
        return value.decode()
    except UnicodeDecodeError as fault:
        raise Invalid.field(name, "is not UTF-8 text") from fault
