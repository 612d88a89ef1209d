"""``GET /v1/events``: the tenant's log, as a list or as a stream that never ends by itself."""

from collections.abc import Sequence
from uuid import UUID

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

from app.adapters.event_log import EventLog
from app.events import service
from app.events.follow import START, follow
from app.events.models import Event
from app.events.schemas import EventPage, EventView
from app.http import event_stream
from app.http.access import needs
from app.http.docs import problems
from app.http.event_stream import ResumableStream, StreamManners
from app.http.principal import Principal, Scope
from app.http.request import ApiRequest
from app.kit.database import Database
from app.kit.errors import Invalid
from app.kit.paging import DEFAULT_LIMIT, Page, PageRequest

_PAGE = ResponseSpec(
    EventPage,
    generate_examples=False,
    description="A page of the log; with ``Accept: text/event-stream`` a stream of the same envelopes instead",
)


@get(
    "/v1/events",
    guards=[needs(Scope.INGEST)],
    operation_id="list_events",
    summary="What happened, as a list or live",
    tags=["Events"],
    operation_class=ResumableStream,
    responses={200: _PAGE, **problems(401, 403, 422)},
)
async def list_events(
    request: ApiRequest,
    *,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    event_log: NamedDependency[EventLog],
    manners: NamedDependency[StreamManners],
    after: FromQuery[str | None] = None,
    last_event_id: FromQuery[str | None] = None,
    limit: FromQuery[int] = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ASGIApp:
    """With ``after`` or ``Last-Event-ID`` oldest first, otherwise newest first (list) or only what is new (stream)."""
    start = _start(event_stream.last_event_id(request, last_event_id), after)
    page = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        if "text/event-stream" in request.headers.get("accept", ""):
            begin = start or await service.newest_id(session, principal.tenant) or START
        else:
            wanted = PageRequest(page.limit, page.after or start)
            found = await service.list_events(session, principal.tenant, wanted, newest_first=start is None)
            return _listed(found)
    return manners.respond(follow(database, event_log, principal.tenant, begin))


def _start(resumed: str | None, after: str | None) -> UUID | None:
    """After which event to go on; what a reconnecting client remembers outweighs the address it first asked."""
    text, path = (resumed, "last_event_id") if resumed is not None else (after, "after")
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as fault:
        raise Invalid.field(path, "is not the id of an event; send one back as it was received") from fault


def _listed(found: Page[Event]) -> ASGIApp:
    items = [EventView.model_validate(service.wire(row)) for row in found.rows]
    body = EventPage(items=items, next_cursor=found.next_cursor).model_dump_json()
    return ASGIResponse(body=body, media_type=MediaType.JSON)


ROUTES: Sequence[HTTPRouteHandler] = (list_events,)
