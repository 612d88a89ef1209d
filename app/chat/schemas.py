"""Questions as clients ask them, and conversations as clients see them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import StringConstraints

from app.chat.models import FinishReason, MessageRole
from app.kit.schema import ExternalId, Metadata, Moment, NoNul, Schema

MessageText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000), NoNul]


class EndUser(Schema):
    """Whoever sits at the other end, as the client's own system knows them."""

    id: Annotated[ExternalId, StringConstraints(max_length=256)]


class ChatRequest(Schema):
    """A question. Without ``chat_id`` it begins a new chat, without ``bot_id`` with the default bot."""

    message: MessageText
    bot_id: str | None = None
    chat_id: str | None = None
    stream: bool = True
    use_cache: bool = True
    debug: bool = False
    end_user: EndUser | None = None
    metadata: Metadata | None = None


class ChatAnswer(Schema):
    """A whole answer, for callers that do not stream."""

    chat_id: UUID
    message_id: UUID
    answer: str
    finish_reason: FinishReason
    citations: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    usage: dict[str, Any]
    abstained: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    trace: dict[str, Any] | None = None


class ChatView(Schema):
    """A conversation."""

    id: UUID
    bot_id: UUID | None
    title: str
    end_user: str | None
    metadata: dict[str, Any]
    created_at: Moment
    updated_at: Moment


class ChatList(Schema):
    """A page of conversations."""

    items: list[ChatView]
    next_cursor: str | None


class MessageView(Schema):
    """A message with everything that was shown under it."""

    id: UUID
    chat_id: UUID
    role: MessageRole
    content: str
    finish_reason: FinishReason | None
    citations: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    query: str | None
    usage: dict[str, Any] | None
    abstained: dict[str, Any] | None
    error: dict[str, Any] | None
    feedback: dict[str, Any] | None
    created_at: Moment


class MessageList(Schema):
    """A page of messages, in reading order."""

    items: list[MessageView]
    next_cursor: str | None


class Feedback(Schema):
    """What a reader thinks of an answer."""

    rating: Literal["up", "down"]
    comment: Annotated[str, StringConstraints(max_length=2000), NoNul] | None = None


class CancelView(Schema):
    """That the answer will stop, or has stopped."""

    message_id: UUID
    finish_reason: FinishReason | None
