"""``/v1/documents/{id}/versions``: their history, and which of them speaks."""

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlmodel import col

from app.events.service import Recorder
from app.http.access import needs, needs_any
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.database import Database
from app.kit.ids import parse_id
from app.kit.ownership import get_owned, owned_by
from app.kit.paging import PageRequest, paginate
from app.knowledge.models import Document, DocumentVersion
from app.knowledge.routes.documents import READERS, TAGS, read_document
from app.knowledge.routes.parameters import GivenBackfill, GivenVectors
from app.knowledge.schemas import DocumentView, VersionList, version_view
from app.knowledge.switching import Switch


@get(
    "/v1/documents/{document_id:str}/versions",
    guards=[needs_any(*READERS)],
    operation_id="list_document_versions",
    summary="List a document's versions",
    tags=TAGS,
    responses=problems(401, 403, 404, 422),
)
async def list_versions(
    document_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> VersionList:
    """A document's versions, newest first."""
    page_request = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        document = await get_owned(session, principal.tenant, Document, parse_id(document_id))
        query = owned_by(principal.tenant, DocumentVersion).where(col(DocumentVersion.document_id) == document.id)
        page = await paginate(session, query, col(DocumentVersion.id), page_request)
    return VersionList(items=[version_view(version) for version in page.rows], next_cursor=page.next_cursor)


@post(
    "/v1/documents/{document_id:str}/versions/{version_id:str}/activate",
    status_code=200,
    guards=[needs(Scope.INGEST)],
    operation_id="activate_document_version",
    summary="Activate a version",
    tags=TAGS,
    responses=problems(401, 403, 404, 409, 503),
)
async def activate_version(
    document_id: FromPath[str],
    version_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    vectors: GivenVectors,
    recorder: NamedDependency[Recorder],
    backfill: GivenBackfill,
) -> DocumentView:
    """Let this version speak for the document from now on; the one that did is kept."""
    switch = Switch(database, vectors, recorder, backfill)
    await switch.activate(principal.tenant, parse_id(document_id), parse_id(version_id), principal.actor)
    return await read_document(database, principal, document_id)


@post(
    "/v1/documents/{document_id:str}/deactivate",
    status_code=200,
    guards=[needs(Scope.INGEST)],
    operation_id="deactivate_document",
    summary="Deactivate a document",
    tags=TAGS,
    responses=problems(401, 403, 404, 503),
)
async def deactivate_document(
    document_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    vectors: GivenVectors,
    recorder: NamedDependency[Recorder],
    backfill: GivenBackfill,
) -> DocumentView:
    """Let the document be found no more; its versions are kept."""
    switch = Switch(database, vectors, recorder, backfill)
    await switch.deactivate(principal.tenant, parse_id(document_id), principal.actor)
    return await read_document(database, principal, document_id)


ROUTES = (list_versions, activate_version, deactivate_document)
