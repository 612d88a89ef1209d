"""``/v1/chats``: conversations, as they were shown."""

from litestar import delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlmodel import col

from app.chat.models import Chat, Message
from app.chat.reading import chat_view, message_views
from app.chat.schemas import ChatList, ChatView, MessageList
from app.chat.visibility import Reader, require_visible, visible_chats
from app.http.access import needs
from app.http.docs import problems
from app.http.principal import Principal, PrincipalKind, Scope
from app.kit.database import Database
from app.kit.errors import Invalid
from app.kit.ids import parse_id
from app.kit.ownership import owned_by
from app.kit.paging import PageRequest, paginate
from app.kit.text import is_printable_name

TAGS = ["Chat"]


def reader_of(principal: Principal) -> Reader:
    """What a caller may read: a publishable token stands in public, and sees nothing but its own chats."""
    own_only = principal.kind is PrincipalKind.PUBLISHABLE
    return Reader(principal.tenant, principal.bot_ids, principal.token_id if own_only else None)


@get("/v1/chats", guards=[needs(Scope.CHAT)], tags=TAGS, responses=problems(401, 403, 404, 422))
async def list_chats(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    bot_id: FromQuery[str | None] = None,
    end_user: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> ChatList:
    """Conversations, newest first."""
    query = visible_chats(reader_of(principal))
    if bot_id is not None:
        query = query.where(col(Chat.bot_id) == parse_id(bot_id))
    if end_user is not None:
        if not is_printable_name(end_user):
            raise Invalid.field("end_user", "must not hold control characters")
        query = query.where(col(Chat.end_user) == end_user)
    async with database.reading(principal.tenant) as session:
        page = await paginate(session, query, col(Chat.id), PageRequest.parse(limit, cursor))
    return ChatList(items=[chat_view(chat) for chat in page.rows], next_cursor=page.next_cursor)


@get("/v1/chats/{chat_id:str}", guards=[needs(Scope.CHAT)], tags=TAGS, responses=problems(401, 403, 404))
async def get_chat(
    chat_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> ChatView:
    """One conversation."""
    async with database.reading(principal.tenant) as session:
        return chat_view(await require_visible(session, reader_of(principal), parse_id(chat_id)))


@get(
    "/v1/chats/{chat_id:str}/messages",
    guards=[needs(Scope.CHAT)],
    tags=TAGS,
    responses=problems(401, 403, 404, 422),
)
async def list_messages(
    chat_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> MessageList:
    """A conversation's messages in reading order, with citations, sources and usage as they were shown."""
    async with database.reading(principal.tenant) as session:
        chat = await require_visible(session, reader_of(principal), parse_id(chat_id))
        query = owned_by(principal.tenant, Message).where(col(Message.chat_id) == chat.id)
        request = PageRequest.parse(limit, cursor)
        page = await paginate(session, query, col(Message.id), request, newest_first=False)
        items = await message_views(session, principal.tenant, page.rows)
    return MessageList(items=items, next_cursor=page.next_cursor)


@delete("/v1/chats/{chat_id:str}", guards=[needs(Scope.CHAT)], tags=TAGS, responses=problems(401, 403, 404))
async def delete_chat(
    chat_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> None:
    """Delete a conversation with its messages; what it cost stays in the ledger."""
    async with database.transaction(principal.tenant) as session:
        await session.delete(await require_visible(session, reader_of(principal), parse_id(chat_id)))


ROUTES = (list_chats, get_chat, list_messages, delete_chat)
