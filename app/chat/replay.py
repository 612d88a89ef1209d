"""A stored answer told again as a stream, once its log is gone: the same grammar, the text in one piece."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from app.adapters.event_log import LoggedEvent
from app.chat.schemas import MessageView


async def replay(message: MessageView, after: str | None) -> AsyncGenerator[LoggedEvent]:
    """The events of an answer that has ended. Ids are ``r<n>``, so that an id of the live log starts it again."""
    skip = int(after[1:]) if after is not None and after[1:].isdigit() and after.startswith("r") else 0
    for number, (name, data) in enumerate(_events(message), start=1):
        if number > skip:
            yield LoggedEvent(f"r{number}", name, msgspec.json.encode(data).decode())


def _events(message: MessageView) -> list[tuple[str, Any]]:
    reason = None if message.finish_reason is None else message.finish_reason.value
    events: list[tuple[str, Any]] = [
        ("started", {"chat_id": str(message.chat_id), "message_id": str(message.id)}),
        ("sources", {"query": message.query, "sources": message.sources, "timings_ms": {}}),
    ]
    if message.abstained is not None:
        events.append(("abstained", message.abstained))
    elif message.content:
        events.append(("delta", {"text": message.content}))
    events += [("citation", citation) for citation in message.citations]
    if message.error is not None:
        events.append(("error", message.error))
    events.append(("usage", message.usage))
    events.append(("done", {"message_id": str(message.id), "finish_reason": reason}))
    return events
