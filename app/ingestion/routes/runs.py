"""``/v1/runs``: watching, cancelling and retrying ingestions."""

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp
from sqlmodel import col

from app.adapters.event_log import EventLog, position
from app.http import event_stream
from app.http.access import needs
from app.http.docs import problems
from app.http.event_stream import NOTHING_LEFT, STREAM_RESPONSE, ResumableStream, StreamManners
from app.http.principal import Principal, Scope
from app.http.request import ApiRequest
from app.ingestion import runs
from app.ingestion.deps import IngestionDeps
from app.ingestion.following import follow, has_ended_at, load
from app.ingestion.models import Run, RunStatus
from app.ingestion.schemas import RunList, RunView, view_of
from app.kit.database import Database
from app.kit.ids import parse_id
from app.kit.paging import PageRequest, paginate

TAGS = ["Runs"]


@get(
    "/v1/runs",
    guards=[needs(Scope.INGEST)],
    operation_id="list_runs",
    summary="List runs",
    tags=TAGS,
    responses=problems(401, 403, 404, 422),
)
async def list_runs(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    source_id: FromQuery[str | None] = None,
    status: FromQuery[RunStatus | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> RunList:
    """Newest first, of one source or in one status where asked."""
    wanted = parse_id(source_id) if source_id is not None else None
    page_request = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        page = await paginate(session, runs.runs_of(principal.tenant, wanted, status), col(Run.id), page_request)
    return RunList(items=[view_of(run) for run in page.rows], next_cursor=page.next_cursor)


@get(
    "/v1/runs/{run_id:str}",
    guards=[needs(Scope.INGEST)],
    operation_id="get_run",
    summary="Look at a run",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def get_run(
    run_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> RunView:
    """Where it is, what it has counted so far and, where it failed, why."""
    return await load(database, principal.tenant, parse_id(run_id))


@post(
    "/v1/runs/{run_id:str}/cancel",
    status_code=202,
    guards=[needs(Scope.INGEST)],
    operation_id="cancel_run",
    summary="Cancel a run",
    tags=TAGS,
    responses=problems(401, 403, 404, 409),
)
async def cancel_run(
    run_id: FromPath[str], principal: NamedDependency[Principal], ingestion: NamedDependency[IngestionDeps]
) -> RunView:
    """A waiting run ends at once, one at work within two seconds; 409 for one that has ended."""
    async with ingestion.database.transaction(principal.tenant) as session:
        return await runs.request_cancel(
            session, ingestion.recorder, ingestion.event_log, principal.tenant, parse_id(run_id)
        )


@post(
    "/v1/runs/{run_id:str}/retry",
    status_code=202,
    guards=[needs(Scope.INGEST)],
    operation_id="retry_run",
    summary="Retry a run",
    tags=TAGS,
    responses=problems(401, 403, 404, 409),
)
async def retry_run(
    run_id: FromPath[str], principal: NamedDependency[Principal], ingestion: NamedDependency[IngestionDeps]
) -> RunView:
    """The same run goes on at the stage that failed; 409 where there is nothing to retry."""
    async with ingestion.database.transaction(principal.tenant) as session:
        return await runs.retry(session, ingestion.queue, principal.tenant, parse_id(run_id))


@get(
    "/v1/runs/{run_id:str}/events",
    guards=[needs(Scope.INGEST)],
    operation_id="follow_run",
    summary="Follow a run",
    tags=TAGS,
    operation_class=ResumableStream,
    responses={200: STREAM_RESPONSE, 204: NOTHING_LEFT, **problems(401, 403, 404, 422)},
)
async def follow_run(
    run_id: FromPath[str],
    request: ApiRequest,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    event_log: NamedDependency[EventLog],
    manners: NamedDependency[StreamManners],
    last_event_id: FromQuery[str | None] = None,
) -> ASGIApp:
    """``progress`` with the run as it is, as often as it changes; then one ``finished`` and the end."""
    after = event_stream.last_event_id(request, last_event_id)
    position(after)
    run = await load(database, principal.tenant, parse_id(run_id))
    if await has_ended_at(event_log, run, after):
        return ASGIResponse(status_code=204)
    return manners.respond(follow(database, event_log, principal.tenant, run.id, after))


ROUTES = (list_runs, get_run, cancel_run, retry_run, follow_run)
