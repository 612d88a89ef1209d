"""Chats and messages as they are read again: exactly what was shown when they were written."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col

from app.chat.models import Chat, Citation, Message
from app.chat.schemas import ChatView, MessageView
from app.kit.database import Session
from app.kit.ownership import owned_by


def chat_view(chat: Chat) -> ChatView:
    """A chat as clients see it."""
    return ChatView(
        id=chat.id,
        bot_id=chat.bot_id,
        title=chat.title,
        end_user=chat.end_user,
        metadata=chat.metadata_,
        created_at=chat.created_at,
        updated_at=chat.updated_at,
    )


async def message_views(session: Session, tenant_id: UUID, messages: Sequence[Message]) -> list[MessageView]:
    """Messages with their citations, in the order given."""
    citations = await citations_of(session, tenant_id, [message.id for message in messages])
    return [_message_view(message, citations.get(message.id, [])) for message in messages]


async def citations_of(
    session: Session, tenant_id: UUID, message_ids: Sequence[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    """The citations under each message, as they were sent, in their order."""
    rows = (
        await session.exec(
            owned_by(tenant_id, Citation)
            .where(col(Citation.message_id).in_(message_ids))
            .order_by(col(Citation.message_id), col(Citation.ordinal))
        )
    ).all()
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        hidden = {"id", "tenant_id", "created_at", "message_id", "ordinal"}
        found.setdefault(row.message_id, []).append(row.model_dump(mode="json", exclude=hidden))
    return found


def _message_view(message: Message, citations: list[dict[str, Any]]) -> MessageView:
    found = message.sources or {}
    return MessageView(
        id=message.id,
        chat_id=message.chat_id,
        role=message.role,
        content=message.content,
        finish_reason=message.finish_reason,
        citations=citations,
        sources=found.get("sources", []),
        query=found.get("query"),
        usage=message.usage,
        abstained=message.abstained,
        error=message.error,
        feedback=message.feedback,
        created_at=message.created_at,
    )
