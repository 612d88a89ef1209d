"""``/v1/bots``: making, reading and changing bots."""

from typing import Any
from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlmodel import col

from app.bots import service
from app.bots.models import Bot
from app.bots.schemas import BotCreate, BotList, BotPatch, BotView
from app.http.access import needs, needs_any
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.database import Database
from app.kit.errors import NotFound
from app.kit.ids import parse_id
from app.kit.ownership import get_owned, owned_by
from app.kit.paging import PageRequest, paginate
from app.knowledge.bases import default_base_id

TAGS = ["Bots"]


@post("/v1/bots", guards=[needs(Scope.ADMIN)], tags=TAGS, responses=problems(400, 401, 403, 404, 409, 415, 422))
async def create_bot(
    data: JSONBody[BotCreate], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> BotView:
    """Make a bot."""
    async with database.transaction(principal.tenant) as session:
        if data.knowledge_base_ids is None:
            bases = [await default_base_id(session, principal.tenant)]
        else:
            bases = [parse_id(text) for text in data.knowledge_base_ids]
        bundle = await service.create_bot(session, principal.tenant, _columns(data.model_dump(mode="json")), bases)
        return view(bundle)


@get("/v1/bots", guards=[needs_any(Scope.CHAT, Scope.SEARCH)], tags=TAGS, responses=problems(401, 403, 422))
async def list_bots(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> BotList:
    """The tenant's bots, newest first; a token bound to some bots sees those."""
    query = owned_by(principal.tenant, Bot)
    if principal.bot_ids is not None:
        query = query.where(col(Bot.id).in_(principal.bot_ids))
    async with database.reading(principal.tenant) as session:
        page = await paginate(session, query, col(Bot.id), PageRequest.parse(limit, cursor))
        bundles = await service.with_bases(session, principal.tenant, page.rows)
    return BotList(items=[view(bundle) for bundle in bundles], next_cursor=page.next_cursor)


@get("/v1/bots/{bot_id:str}", guards=[needs(Scope.CHAT)], tags=TAGS, responses=problems(401, 403, 404))
async def get_bot(
    bot_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> BotView:
    """One bot."""
    async with database.reading(principal.tenant) as session:
        bot = await get_owned(session, principal.tenant, Bot, parse_id(bot_id))
        if principal.bot_ids is not None and bot.id not in principal.bot_ids:
            raise NotFound("There is no bot with this id.")
        (bundle,) = await service.with_bases(session, principal.tenant, [bot])
    return view(bundle)


@patch(
    "/v1/bots/{bot_id:str}",
    guards=[needs(Scope.ADMIN)],
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
async def change_bot(
    bot_id: FromPath[str],
    data: JSONBody[BotPatch],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> BotView:
    """Change the fields that are sent."""
    changes = data.model_dump(mode="json", include=data.model_fields_set)
    bases = [parse_id(text) for text in data.knowledge_base_ids] if "knowledge_base_ids" in changes else None
    async with database.transaction(principal.tenant) as session:
        bundle = await service.change_bot(session, principal.tenant, parse_id(bot_id), _columns(changes), bases)
        return view(bundle)


@delete("/v1/bots/{bot_id:str}", guards=[needs(Scope.ADMIN)], tags=TAGS, responses=problems(401, 403, 404, 409))
async def delete_bot(
    bot_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> None:
    """Delete a bot; its chats stay readable."""
    async with database.transaction(principal.tenant) as session:
        await service.delete_bot(session, principal.tenant, parse_id(bot_id))


def view(bundle: service.BotWithBases) -> BotView:
    """A bot as clients see it."""
    bot = bundle.bot
    return BotView.model_validate(
        {
            **bot.model_dump(exclude={"tenant_id"}),
            "knowledge_base_ids": list(bundle.knowledge_base_ids),
        }
    )


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    """The bot's own columns, with the credential's id parsed."""
    columns = {name: value for name, value in fields.items() if name != "knowledge_base_ids"}
    credential = columns.get("credential_id")
    if credential is not None:
        columns["credential_id"] = UUID(str(parse_id(credential)))
    return columns


ROUTES = (create_bot, list_bots, get_bot, change_bot, delete_bot)
