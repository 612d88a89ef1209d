"""Following an answer from any process, whatever has become of its log and its writer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from app.adapters.event_log import LoggedEvent, StreamUnknown, WriterLost
from app.chat.models import Message
from app.chat.reading import message_views
from app.chat.recovery import Recovery
from app.chat.replay import replay
from app.chat.schemas import MessageView
from app.chat.streams import Answers
from app.kit.database import Database
from app.kit.ownership import get_owned


class Follower:
    """The events of an answer, live, replayed from its log, or told again from what is stored."""

    def __init__(self, database: Database, answers: Answers, recovery: Recovery) -> None:
        self._database = database
        self._answers = answers
        self._recovery = recovery

    async def follow(self, tenant_id: UUID, message_id: UUID, after: str | None) -> AsyncGenerator[LoggedEvent]:
        """Every event after ``after`` to the last; a writer that died on the way gets its end written here."""
        if after is not None and after.startswith("r"):
            after = after if (await self.load(tenant_id, message_id)).finish_reason is not None else None
            stored = self._stored(tenant_id, message_id, after)
            async with aclosing(stored):
                async for event in stored:
                    yield event
            return
        try:
            async with aclosing(self._answers.follow(message_id, after)) as events:
                async for event in events:
                    after = event.id
                    yield event
        except (WriterLost, StreamUnknown):
            async with aclosing(self._after_loss(tenant_id, message_id, after)) as events:
                async for event in events:
                    yield event

    async def load(self, tenant_id: UUID, message_id: UUID) -> MessageView:
        """The stored message. Raises NotFound."""
        async with self._database.reading(tenant_id) as session:
            message = await get_owned(session, tenant_id, Message, message_id)
            (view,) = await message_views(session, tenant_id, [message])
        return view

    async def _after_loss(self, tenant_id: UUID, message_id: UUID, after: str | None) -> AsyncGenerator[LoggedEvent]:
        """Close the answer where nobody has, then tell the rest: from the log while it lives, else as stored."""
        await self._recovery.close(tenant_id, message_id)
        try:
            async with aclosing(self._answers.follow(message_id, after)) as events:
                async for event in events:
                    yield event
        except (WriterLost, StreamUnknown):
            async with aclosing(self._stored(tenant_id, message_id, None)) as stored:
                async for event in stored:
                    yield event

    async def _stored(self, tenant_id: UUID, message_id: UUID, after: str | None) -> AsyncGenerator[LoggedEvent]:
        view = await self.load(tenant_id, message_id)
        async with aclosing(replay(view, after)) as events:
            async for event in events:
                yield event
