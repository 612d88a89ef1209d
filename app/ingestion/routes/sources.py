"""``POST /v1/sources`` and ``POST /v1/sources/{id}/ingest``: feeding. Reading and changing sources is knowledge's."""

from litestar import post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from app.http.access import needs
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.http.request import ApiRequest
from app.ingestion.accepting import Sender, accept
from app.ingestion.deps import IngestionDeps
from app.ingestion.routes.bodies import SubmitOperation, read_submission
from app.ingestion.runs import queue_run
from app.ingestion.schemas import view_of
from app.ingestion.submissions import IngestAccepted, SourceAccepted
from app.kit.errors import Conflict
from app.kit.ids import parse_id
from app.kit.ownership import get_owned
from app.knowledge.models import Source
from app.knowledge.schemas import source_view
from app.knowledge.sources import newest_upload

TAGS = ["Sources"]


@post(
    "/v1/sources",
    status_code=202,
    guards=[needs(Scope.INGEST)],
    operation_id="create_source",
    summary="Feed a file or a text",
    tags=TAGS,
    operation_class=SubmitOperation,
    request_max_body_size=None,  # Read piece by piece under the upload's own limit.
    responses={
        200: ResponseSpec(SourceAccepted, description="Known already: the run is skipped", generate_examples=False),
        **problems(400, 401, 403, 404, 409, 413, 415, 422, 429),
    },
)
async def create_source(
    request: ApiRequest, principal: NamedDependency[Principal], ingestion: NamedDependency[IngestionDeps]
) -> Response[SourceAccepted]:
    """Send a file as a form or a text as JSON. What it becomes is told by its run, which begins by itself."""
    submission, received = await read_submission(request, principal.tenant, ingestion.blobs, ingestion.settings)
    sender = Sender(principal.tenant, principal.actor, request.headers.get("idempotency-key"))
    answer = await accept(ingestion, sender, submission, received)
    return Response(SourceAccepted.model_validate(answer.body), status_code=answer.status)


@post(
    "/v1/sources/{source_id:str}/ingest",
    status_code=202,
    guards=[needs(Scope.INGEST)],
    operation_id="ingest_source",
    summary="Ingest a source's newest upload again",
    tags=TAGS,
    responses=problems(401, 403, 404, 409, 422),
)
async def ingest_source(
    source_id: FromPath[str],
    principal: NamedDependency[Principal],
    ingestion: NamedDependency[IngestionDeps],
    force: FromQuery[bool] = False,
) -> IngestAccepted:
    """The run ends ``skipped`` where nothing has changed, unless ``force`` is set."""
    async with ingestion.database.transaction(principal.tenant) as session:
        source = await get_owned(session, principal.tenant, Source, parse_id(source_id))
        upload = await newest_upload(session, principal.tenant, source.id)
        if upload is None:
            raise Conflict("Nothing was ever uploaded for this source, so there is nothing to ingest.")
        run = await queue_run(session, ingestion.queue, principal.tenant, source.id, upload.id, force=force)
        view = view_of(run)
        return IngestAccepted(**view.model_dump(), run=view, source=source_view(source))


ROUTES = (create_source, ingest_source)
