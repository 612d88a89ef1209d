"""``/v1/knowledge-bases``: what bots answer from, and the embedding models it is found by."""

from uuid import UUID

from litestar import delete, get, patch, post
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
from app.kit.paging import DEFAULT_LIMIT, PageRequest, paginate
from app.kit.sealing import Sealer
from app.knowledge import bases
from app.knowledge.backfill import ask_for_backfill
from app.knowledge.base_schemas import (
    KnowledgeBaseCreate,
    KnowledgeBaseList,
    KnowledgeBasePatch,
    KnowledgeBaseView,
)
from app.knowledge.base_views import base_views
from app.knowledge.deadlocks import despite_deadlocks
from app.knowledge.erasing import Leftovers, erase, erase_spaces
from app.knowledge.model_choice import ModelChooser
from app.knowledge.model_list import EMBEDDED
from app.knowledge.models import KnowledgeBase
from app.knowledge.routes.parameters import GivenBackfill, GivenBlobs, GivenEmbedder, GivenGuard, GivenVectors

TAGS = ["Knowledge bases"]


@post(
    "/v1/knowledge-bases",
    guards=[needs(Scope.ADMIN)],
    operation_id="create_knowledge_base",
    summary="Make a knowledge base",
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 502, 503, 504),
)
async def create_base(
    data: JSONBody[KnowledgeBaseCreate],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    embedder: GivenEmbedder,
    sealer: NamedDependency[Sealer],
    guard: GivenGuard,
) -> KnowledgeBaseView:
    """An embedding model that is not known embeds one word first, so that its dimension is found out."""
    data.chunking.policy()
    chooser = ModelChooser(database, embedder, sealer, guard)
    models = await chooser.choose(principal.tenant, data.embedding_models or ()) or (EMBEDDED,)
    async with database.transaction(principal.tenant) as session:
        base = await bases.create_base(session, principal.tenant, data.name, data.description, data.chunking, models)
        (view,) = await base_views(session, principal.tenant, [base])
    return view


@get(
    "/v1/knowledge-bases",
    guards=[needs(Scope.INGEST)],
    operation_id="list_knowledge_bases",
    summary="List knowledge bases",
    tags=TAGS,
    responses=problems(401, 403, 422),
)
async def list_bases(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> KnowledgeBaseList:
    """Newest first."""
    page_request = PageRequest.parse(limit, cursor)
    query = owned_by(principal.tenant, KnowledgeBase)
    async with database.reading(principal.tenant) as session:
        page = await paginate(session, query, col(KnowledgeBase.id), page_request)
        items = await base_views(session, principal.tenant, page.rows)
    return KnowledgeBaseList(items=items, next_cursor=page.next_cursor)


@get(
    "/v1/knowledge-bases/{knowledge_base_id:str}",
    guards=[needs(Scope.INGEST)],
    operation_id="get_knowledge_base",
    summary="Show a knowledge base",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def get_base(
    knowledge_base_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> KnowledgeBaseView:
    """With its embedding models and how far each covers it."""
    async with database.reading(principal.tenant) as session:
        base = await get_owned(session, principal.tenant, KnowledgeBase, parse_id(knowledge_base_id))
        (view,) = await base_views(session, principal.tenant, [base])
    return view


@patch(
    "/v1/knowledge-bases/{knowledge_base_id:str}",
    guards=[needs(Scope.ADMIN)],
    operation_id="change_knowledge_base",
    summary="Change a knowledge base",
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 502, 503, 504),
)
async def change_base(
    knowledge_base_id: FromPath[str],
    data: JSONBody[KnowledgeBasePatch],
    *,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    embedder: GivenEmbedder,
    sealer: NamedDependency[Sealer],
    guard: GivenGuard,
    vectors: GivenVectors,
    backfill: GivenBackfill,
) -> KnowledgeBaseView:
    """A model that is new to the list is filled in afterwards; the vectors of one that is left out are dropped."""
    base_id = parse_id(knowledge_base_id)
    await _require(database, principal, base_id)  # Before a provider is asked on account of a base that is not there.
    named = data.changes()
    models = None
    if "embedding_models" in named:
        chooser = ModelChooser(database, embedder, sealer, guard)
        models = await chooser.choose(principal.tenant, data.embedding_models)
    changes = bases.BaseChanges(named.get("name"), named.get("description"), named.get("chunking"), models)
    async with database.transaction(principal.tenant) as session:
        base, model_changes = await bases.change_base(session, principal.tenant, base_id, changes)
        (view,) = await base_views(session, principal.tenant, [base])
    await erase_spaces(vectors, principal.tenant, base_id, [choice.space for choice in model_changes.removed])
    for choice in model_changes.to_fill:
        await ask_for_backfill(backfill, principal.tenant, base_id, choice.model)
    return view


@delete(
    "/v1/knowledge-bases/{knowledge_base_id:str}",
    guards=[needs(Scope.ADMIN)],
    operation_id="delete_knowledge_base",
    summary="Delete a knowledge base",
    tags=TAGS,
    responses=problems(401, 403, 404, 409),
)
async def delete_base(
    knowledge_base_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    vectors: GivenVectors,
    blobs: GivenBlobs,
    recorder: NamedDependency[Recorder],
) -> None:
    """Its sources go with it; bots that answered from it answer without it. The last one cannot be deleted."""
    found_id = parse_id(knowledge_base_id)

    async def delete_rows() -> Leftovers:
        async with database.transaction(principal.tenant) as session:
            return await bases.delete_base(session, recorder, principal.tenant, found_id, principal.actor)

    await erase(vectors, blobs, await despite_deadlocks(delete_rows))


async def _require(database: Database, principal: Principal, base_id: UUID) -> None:
    async with database.reading(principal.tenant) as session:
        await get_owned(session, principal.tenant, KnowledgeBase, base_id)


ROUTES = (create_base, list_bases, get_base, change_base, delete_base)
