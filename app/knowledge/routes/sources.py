"""``/v1/sources``: reading, changing and deleting them. Feeding them is ingestion's."""

from typing import Any

from litestar import delete, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlmodel import col

from app.events.service import Recorder
from app.http.access import needs
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.database import Database
from app.kit.ids import parse_id
from app.kit.ownership import get_owned, owned_by
from app.kit.paging import PageRequest, paginate
from app.knowledge.deadlocks import despite_deadlocks
from app.knowledge.erasing import Leftovers, erase
from app.knowledge.indexing import refresh
from app.knowledge.models import Source, SourceStatus, SourceType
from app.knowledge.routes.parameters import GivenBlobs, GivenVectors, searchable
from app.knowledge.schemas import SourceList, SourcePatch, SourceView, source_view
from app.knowledge.sources import change_source as change_row
from app.knowledge.sources import delete_source as delete_row

TAGS = ["Sources"]


@get(
    "/v1/sources",
    guards=[needs(Scope.INGEST)],
    operation_id="list_sources",
    summary="List sources",
    tags=TAGS,
    responses=problems(401, 403, 404, 422),
)
async def list_sources(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    *,
    knowledge_base_id: FromQuery[str | None] = None,
    type: FromQuery[SourceType | None] = None,  # noqa: A002  # The name clients know the field by.
    status: FromQuery[SourceStatus | None] = None,
    external_id: FromQuery[str | None] = None,
    q: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> SourceList:
    """The tenant's sources, newest first; ``q`` is a part of the title, whatever its case."""
    query = owned_by(principal.tenant, Source)
    external_id = None if external_id is None else searchable("external_id", external_id)
    if knowledge_base_id is not None:
        query = query.where(col(Source.knowledge_base_id) == parse_id(knowledge_base_id))
    for column, wanted in ((Source.type, type), (Source.status, status), (Source.external_id, external_id)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if q is not None:
        query = query.where(col(Source.title).icontains(searchable("q", q), autoescape=True))
    page_request = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        page = await paginate(session, query, col(Source.id), page_request)
    return SourceList(items=[source_view(source) for source in page.rows], next_cursor=page.next_cursor)


@get(
    "/v1/sources/{source_id:str}",
    guards=[needs(Scope.INGEST)],
    operation_id="get_source",
    summary="Show a source",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def get_source(
    source_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> SourceView:
    """One source."""
    async with database.reading(principal.tenant) as session:
        return source_view(await get_owned(session, principal.tenant, Source, parse_id(source_id)))


@patch(
    "/v1/sources/{source_id:str}",
    guards=[needs(Scope.INGEST)],
    operation_id="change_source",
    summary="Change a source",
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
async def change_source(
    source_id: FromPath[str],
    data: JSONBody[SourcePatch],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    vectors: GivenVectors,
) -> SourceView:
    """Change the fields that are sent; the source's documents and their filters follow."""
    changes: dict[str, Any] = data.changes()
    if "metadata" in changes:
        changes["metadata_"] = changes.pop("metadata")
    async with database.transaction(principal.tenant) as session:
        source = await get_owned(session, principal.tenant, Source, parse_id(source_id))
        stale = await change_row(session, principal.tenant, source, changes)
        view = source_view(source)
    await refresh(database, vectors, principal.tenant, stale)
    return view


@delete(
    "/v1/sources/{source_id:str}",
    guards=[needs(Scope.INGEST)],
    operation_id="delete_source",
    summary="Delete a source",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def delete_source(
    source_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    vectors: GivenVectors,
    blobs: GivenBlobs,
    recorder: NamedDependency[Recorder],
) -> None:
    """Delete a source with its files, documents, versions, chunks and vectors."""
    found_id = parse_id(source_id)

    async def delete_rows() -> Leftovers:
        async with database.transaction(principal.tenant) as session:
            return await delete_row(session, recorder, principal.tenant, found_id, principal.actor)

    await erase(vectors, blobs, await despite_deadlocks(delete_rows))


ROUTES = (list_sources, get_source, change_source, delete_source)
