"""``/v1/documents``: what is known, read."""

from litestar import delete, get
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
from app.knowledge.deadlocks import despite_deadlocks
from app.knowledge.documents import active_versions
from app.knowledge.documents import delete_document as delete_row
from app.knowledge.erasing import Leftovers, erase
from app.knowledge.models import Document
from app.knowledge.routes.parameters import GivenBlobs, GivenVectors, searchable
from app.knowledge.schemas import DocumentList, DocumentView, document_view

TAGS = ["Documents"]
READERS = (Scope.INGEST, Scope.SEARCH)


@get(
    "/v1/documents",
    guards=[needs_any(*READERS)],
    operation_id="list_documents",
    summary="List documents",
    tags=TAGS,
    responses=problems(401, 403, 404, 422),
)
async def list_documents(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    source_id: FromQuery[str | None] = None,
    knowledge_base_id: FromQuery[str | None] = None,
    q: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> DocumentList:
    """The tenant's documents, newest first; ``q`` is a part of the title, whatever its case."""
    query = owned_by(principal.tenant, Document)
    if source_id is not None:
        query = query.where(col(Document.source_id) == parse_id(source_id))
    if knowledge_base_id is not None:
        query = query.where(col(Document.knowledge_base_id) == parse_id(knowledge_base_id))
    if q is not None:
        query = query.where(col(Document.title).icontains(searchable("q", q), autoescape=True))
    page_request = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        page = await paginate(session, query, col(Document.id), page_request)
        active = await active_versions(session, principal.tenant, [document.id for document in page.rows])
    views = [document_view(document, active.get(document.id)) for document in page.rows]
    return DocumentList(items=views, next_cursor=page.next_cursor)


@get(
    "/v1/documents/{document_id:str}",
    guards=[needs_any(*READERS)],
    operation_id="get_document",
    summary="Show a document",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def get_document(
    document_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> DocumentView:
    """One document."""
    return await read_document(database, principal, document_id)


@delete(
    "/v1/documents/{document_id:str}",
    guards=[needs(Scope.INGEST)],
    operation_id="delete_document",
    summary="Delete a document",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def delete_document(
    document_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    vectors: GivenVectors,
    blobs: GivenBlobs,
    recorder: NamedDependency[Recorder],
) -> None:
    """Delete a document with its versions; the file it came from stays with its source."""
    found_id = parse_id(document_id)

    async def delete_rows() -> Leftovers:
        async with database.transaction(principal.tenant) as session:
            return await delete_row(session, recorder, principal.tenant, found_id, principal.actor)

    await erase(vectors, blobs, await despite_deadlocks(delete_rows))


async def read_document(database: Database, principal: Principal, document_id: str) -> DocumentView:
    """A document as clients see it. Raises NotFound."""
    async with database.reading(principal.tenant) as session:
        document = await get_owned(session, principal.tenant, Document, parse_id(document_id))
        active = await active_versions(session, principal.tenant, [document.id])
    return document_view(document, active.get(document.id))


ROUTES = (list_documents, get_document, delete_document)
