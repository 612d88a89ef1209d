"""A form's parts as they arrive: the one typed place around the parser that Litestar itself uses.

The package ``multipart`` has no stubs, and where ``python-multipart`` is installed too, that one's folder of the same
name hides it from type checkers (not from Python, to which it hands it over). So it is loaded by name here.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final

from litestar.exceptions import InternalServerException

from app.kit.errors import BadRequest, Invalid, TooLarge

_library: Any = importlib.import_module("multipart")
_FIELDS: Final = 32
_SILENT_S: Final = 60.0
"""A client that sends nothing for this long has gone."""


@dataclass(frozen=True, slots=True)
class Part:
    """The beginning of a part; ``file_name`` is None for a plain field."""

    name: str
    file_name: str | None


PartEvent = Part | bytes | None
"""A part begins, some of its content, it ends."""


async def parts_of(stream: AsyncGenerator[bytes], content_type: str, limit_bytes: int) -> AsyncGenerator[PartEvent]:
    """What is in a ``multipart/form-data`` body, in order.

    Raises BadRequest for what is no form or ends early, TooLarge past ``limit_bytes``, and Invalid for too many
    fields.
    """
    boundary: str | None = _library.parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise BadRequest("The Content-Type of a form must name its boundary; let your HTTP client set that header.")
    left = limit_bytes
    try:
        with _library.PushMultipartParser(boundary, max_segment_count=_FIELDS) as parser:
            while not parser.closed:
                async with asyncio.timeout(_SILENT_S):
                    chunk = await anext(stream, b"")
                left -= len(chunk)
                if left < 0:
                    raise TooLarge(f"The form is larger than the {limit_bytes:,} bytes allowed.")
                for event in parser.parse(chunk):
                    yield _typed(event)
    except _library.ParserLimitReached as fault:
        raise Invalid(f"The form has more than {_FIELDS} fields, or headers that are too long.") from fault
    except _library.MultipartError as fault:
        raise BadRequest(f"The form could not be read: {fault}.") from fault
    except (InternalServerException, TimeoutError) as fault:  # The first is Litestar's word for a client that left.
        raise BadRequest("The upload ended before it was complete.") from fault


def _typed(event: Any) -> PartEvent:
    if isinstance(event, _library.MultipartSegment):
        return Part(event.name or "", event.filename)
    return None if event is None else bytes(event)
