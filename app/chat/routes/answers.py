"""``/v1/chat`` and ``/v1/messages``: asking, following, stopping and judging an answer."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from math import ceil
from typing import Annotated, Any, cast

from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Response
from litestar.types import ASGIApp

from app.adapters.event_log import LoggedEvent
from app.chat.asking import Ask, Asker
from app.chat.following import Follower
from app.chat.models import Message
from app.chat.reading import message_views
from app.chat.routes.chats import reader_of
from app.chat.schemas import CancelView, ChatAnswer, ChatRequest, Feedback, MessageView
from app.chat.streams import Answers
from app.chat.visibility import require_visible
from app.chat.whole import assemble
from app.events.service import EventType, Recorder
from app.http.access import needs
from app.http.correlation import request_id_of
from app.http.docs import problems
from app.http.event_stream import (
    NOTHING_LEFT,
    STREAM_RESPONSE,
    ResumableStream,
    StreamManners,
    StreamOrJson,
    last_event_id,
)
from app.http.principal import Principal, PrincipalKind, Scope
from app.http.problems import MEDIA_TYPE
from app.http.request import ApiRequest
from app.kit.database import Database
from app.kit.ids import parse_id
from app.kit.ownership import get_owned

TAGS = ["Chat"]

ANSWER_RESPONSE = ResponseSpec(
    ChatAnswer,
    description="The answer: JSON with `stream: false`, Server-Sent Events otherwise",
    generate_examples=False,
)


@post(
    "/v1/chat",
    status_code=200,
    guards=[needs(Scope.CHAT, publishable=True)],
    tags=TAGS,
    summary="Ask a bot",
    operation_class=StreamOrJson,
    responses={200: ANSWER_RESPONSE, **problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 502, 503, 504)},
)
async def chat(
    data: JSONBody[ChatRequest],
    request: ApiRequest,
    principal: NamedDependency[Principal],
    asker: NamedDependency[Asker],
    follower: NamedDependency[Follower],
    manners: NamedDependency[StreamManners],
    idempotency_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key")] = None,
) -> ASGIApp:
    """Ask a bot. Answers as Server-Sent Events, or as one JSON object with ``stream: false``."""
    message_id = await asker.ask(
        Ask(
            tenant_id=principal.tenant,
            message=data.message,
            bot_id=data.bot_id,
            chat_id=data.chat_id,
            end_user=None if data.end_user is None else data.end_user.id,
            token_id=principal.token_id,
            bot_ids=principal.bot_ids,
            own_only=principal.kind is PrincipalKind.PUBLISHABLE,
            metadata=data.metadata,
            debug=data.debug,
            use_cache=data.use_cache,
            request_id=request_id_of(request.scope),
            idempotency_key=idempotency_key,
            body_digest=hashlib.sha256(await request.body()).hexdigest(),
        )
    )
    events = follower.follow(principal.tenant, message_id, None)
    return manners.respond(events) if data.stream else _whole(assemble([event async for event in events]))


@get(
    "/v1/messages/{message_id:str}/stream",
    guards=[needs(Scope.CHAT, publishable=True)],
    tags=TAGS,
    summary="Follow an answer",
    operation_class=ResumableStream,
    responses={200: STREAM_RESPONSE, 204: NOTHING_LEFT, **problems(401, 403, 404, 422)},
)
async def follow_message(
    message_id: FromPath[str],
    request: ApiRequest,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    follower: NamedDependency[Follower],
    manners: NamedDependency[StreamManners],
    last_id: Annotated[str | None, QueryParameter(name="last_event_id")] = None,
) -> ASGIApp:
    """An answer's events again, from ``Last-Event-ID`` on, then live; 204 when there are none left."""
    after = last_event_id(request, last_id)
    message = await _visible(database, principal, message_id)
    events = follower.follow(principal.tenant, message.id, after)
    if message.finish_reason is None:
        return manners.respond(events)
    first = await anext(events, None)
    if first is None:
        return _asgi(Response(None, status_code=204))
    return manners.respond(_after_first(first, events))


@post(
    "/v1/messages/{message_id:str}/cancel",
    status_code=202,
    guards=[needs(Scope.CHAT, publishable=True)],
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def cancel_message(
    message_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    answers: NamedDependency[Answers],
) -> CancelView:
    """Stop an answer: the model is stopped, the text so far is kept. Stopping twice is fine."""
    message = await _visible(database, principal, message_id)
    if message.finish_reason is None:
        await answers.cancel(message.id)
    return CancelView(message_id=message.id, finish_reason=message.finish_reason)


@post(
    "/v1/messages/{message_id:str}/feedback",
    status_code=200,
    guards=[needs(Scope.CHAT, publishable=True)],
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 413, 415, 422),
)
async def give_feedback(
    message_id: FromPath[str],
    data: JSONBody[Feedback],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    recorder: NamedDependency[Recorder],
) -> MessageView:
    """Say whether an answer helped; a second word replaces the first."""
    visible = await _visible(database, principal, message_id)
    async with database.transaction(principal.tenant) as session:
        message = await get_owned(session, principal.tenant, Message, visible.id)
        message.feedback = data.model_dump(mode="json")
        session.add(message)
        await recorder.record(
            session, principal.tenant, EventType.MESSAGE_FEEDBACK, message.id, message.feedback, actor=principal.actor
        )
        (view,) = await message_views(session, principal.tenant, [message])
    return view


async def _visible(database: Database, principal: Principal, message_id: str) -> Message:
    async with database.reading(principal.tenant) as session:
        message = await get_owned(session, principal.tenant, Message, parse_id(message_id))
        await require_visible(session, reader_of(principal), message.chat_id)
    return message


async def _after_first(first: LoggedEvent, rest: AsyncGenerator[LoggedEvent]) -> AsyncGenerator[LoggedEvent]:
    async with aclosing(rest):
        yield first
        async for event in rest:
            yield event


def _whole(answer: ChatAnswer | dict[str, Any]) -> ASGIApp:
    if isinstance(answer, ChatAnswer):
        return _asgi(Response(answer, status_code=200))
    wait = answer.get("retry_after_s")
    headers = {} if wait is None else {"Retry-After": str(max(1, ceil(wait)))}
    return _asgi(Response(answer, status_code=answer["status"], media_type=MEDIA_TYPE, headers=headers))


def _asgi(response: Response[Any]) -> ASGIApp:
    """The framework recognises its own responses at run time, whatever the annotation; only the type differs."""
    return cast("ASGIApp", response)


ROUTES = (chat, follow_message, cancel_message, give_feedback)
