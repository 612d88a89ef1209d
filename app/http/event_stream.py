"""Server-Sent Events: the only place that knows how a stream of events is put on the wire.

A stream only *follows* something (an answer's log, a run's log): it owns nothing, so a client may leave at any moment
and come back with ``Last-Event-ID``. Three ends exist:

    the followed log ends          → its terminal event was the last thing sent
    the client goes                → the generator is closed in the task that opened it; what it followed goes on
    the server is told to stop     → streams may finish within the grace period, then they are cut; the client resumes
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

import anyio
from litestar.enums import ParamType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Parameter, Reference
from litestar.openapi.spec import Schema as OpenAPISchema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.types import ASGIApp
from pydantic import Field
from sse_starlette import EventSourceResponse, ServerSentEvent

from app.adapters.event_log import LoggedEvent
from app.http.request import ApiRequest
from app.kit.errors import Invalid
from app.kit.schema import Schema

PING_S = 15
SEND_TIMEOUT_S = 30
"""A reader that takes nothing for this long is dropped; it can come back where it was."""

_SANE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class StreamEvent(Schema):
    """One Server-Sent Event. ``data`` is JSON; what it holds depends on ``event``."""

    data: str
    event: str = Field(default_factory=str, description="What kind of event it is")
    id: str = Field(default_factory=str, description="Send the last one back as Last-Event-ID to go on after it")


STREAM_RESPONSE = ResponseSpec(
    StreamEvent,
    media_type="text/event-stream",
    description="Server-Sent Events; every event has an id, to resume with Last-Event-ID",
    generate_examples=False,
)

NOTHING_LEFT = ResponseSpec(None, description="There is nothing after this event", generate_examples=False)


class StreamManners:
    """How streams of this process behave at shutdown; one value, made by the runtime."""

    def __init__(self, grace_s: float) -> None:
        self.grace_s = grace_s

    def respond(self, events: AsyncGenerator[LoggedEvent]) -> ASGIApp:
        """A response that sends ``events`` until they end. It passes the framework untouched, headers included."""
        response = EventSourceResponse(
            _encode(events),
            ping=PING_S,
            send_timeout=SEND_TIMEOUT_S,
            shutdown_event=anyio.Event(),
            shutdown_grace_period=self.grace_s,
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
            sep="\n",
        )
        return cast(ASGIApp, response)  # Starlette and Litestar type the same protocol each in its own way.


async def _encode(events: AsyncGenerator[LoggedEvent]) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(events):
        async for event in events:
            yield ServerSentEvent(event.data, event=event.type, id=event.id, sep="\n")


def last_event_id(request: ApiRequest, query: str | None) -> str | None:
    """Where a client wants to go on: the ``Last-Event-ID`` header, or the query parameter of the same name.

    Raises Invalid for what cannot be an id of ours.
    """
    value = request.headers.get("last-event-id") or query
    if value is None or value == "":
        return None
    if not _SANE_ID.fullmatch(value):
        raise Invalid.field("last_event_id", "is not an id this API gave out; leave it out to start from the beginning")
    return value


_EVENTS = OpenAPIMediaType(schema=Reference("#/components/schemas/StreamEvent"))
_RESUME = Parameter(
    name="Last-Event-ID",
    param_in=ParamType.HEADER,
    description="The `id` of the last event that was received: the stream goes on after it",
    schema=OpenAPISchema(type=OpenAPIType.STRING, pattern=f"^{_SANE_ID.pattern}$"),
)


@dataclass
class StreamOrJson(Operation):
    """A route that answers as events or as JSON, which one response of a handler cannot say."""

    def __post_init__(self) -> None:
        """Show the stream beside the JSON."""
        success = (self.responses or {}).get("200")
        if isinstance(success, OpenAPIResponse) and success.content is not None:
            success.content.setdefault("text/event-stream", _EVENTS)


@dataclass
class ResumableStream(StreamOrJson):
    """A stream that can be taken up again where it was left."""

    def __post_init__(self) -> None:
        """Show the header, which the handler reads from the request."""
        super().__post_init__()
        self.parameters = [*(self.parameters or ()), _RESUME]
