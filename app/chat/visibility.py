"""Which conversations a caller may see: all of its tenant's, or only those of its bots, or only its own."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar

from app.chat.models import Chat
from app.kit.database import Session
from app.kit.errors import NotFound
from app.kit.ownership import owned_by


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller: ``bot_ids`` narrows to some bots, ``token_id`` to the chats begun with that token."""

    tenant_id: UUID
    bot_ids: frozenset[UUID] | None = None
    token_id: UUID | None = None


def visible_chats(reader: Reader) -> SelectOfScalar[Chat]:
    """The chats a reader may see."""
    query = owned_by(reader.tenant_id, Chat)
    if reader.bot_ids is not None:
        query = query.where(col(Chat.bot_id).in_(reader.bot_ids))
    if reader.token_id is not None:
        query = query.where(col(Chat.token_id) == reader.token_id)
    return query


async def require_visible(session: Session, reader: Reader, chat_id: UUID) -> Chat:
    """The chat. Raises NotFound when the reader may not see it."""
    chat = (await session.exec(visible_chats(reader).where(col(Chat.id) == chat_id))).first()
    if chat is None:
        raise NotFound("There is no chat with this id.")
    return chat
