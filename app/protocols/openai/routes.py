"""``/openai/v1``: chat completions, models and embeddings."""

import asyncio
from typing import Any, cast

from litestar import get, post
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.response import Response
from litestar.types import ASGIApp

from app.chat.asking import Ask, Asker
from app.chat.following import Follower
from app.chat.streams import Answers
from app.http.access import needs
from app.http.correlation import request_id_of
from app.http.event_stream import StreamOrJson
from app.http.principal import Principal, Scope
from app.http.request import ApiRequest
from app.kit.clock import now
from app.kit.database import Database
from app.knowledge.routes.parameters import GivenEmbedder
from app.protocols.openai.answers import streamed, whole
from app.protocols.openai.asking import ask_prepared
from app.protocols.openai.bots import bots_of, find_bot, model_view
from app.protocols.openai.conversation import conversation_of
from app.protocols.openai.embeddings import admit, choose, embed, encode_answer
from app.protocols.openai.errors import openai_errors
from app.protocols.openai.options import refuse_unsupported
from app.protocols.openai.schemas import (
    Completion,
    CompletionRequest,
    EmbeddingList,
    EmbeddingRequest,
    ModelList,
    ModelView,
)
from app.tenants.endpoints import EndpointResolver
from app.usage.admission import Admission
from app.usage.ledger import Ledger

TAGS = ["OpenAI"]
ASKING_FAILS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 502, 503, 504)


@post(
    "/openai/v1/chat/completions",
    status_code=200,
    guards=[needs(Scope.CHAT)],
    operation_id="create_completion",
    summary="Ask a bot, as OpenAI's clients do",
    tags=TAGS,
    operation_class=StreamOrJson,
    responses={
        200: ResponseSpec(Completion, description="The answer, or a stream of its chunks", generate_examples=False),
        **openai_errors(*ASKING_FAILS),
    },
)
async def create_completion(
    data: JSONBody[CompletionRequest],
    request: ApiRequest,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    asker: NamedDependency[Asker],
    answers: NamedDependency[Answers],
    follower: NamedDependency[Follower],
) -> ASGIApp:
    """The last message is the question; the answer comes whole or in chunks, with `citations` beside the text.

    Earlier turns are remembered for this answer and not stored: question and answer become a chat of their own, with
    `user` as its end user. System messages are wishes below the bot's own instructions. `temperature` replaces the
    bot's; `max_tokens` can only shorten what the bot allows.
    """
    refuse_unsupported(data)
    conversation = conversation_of(data)
    async with database.reading(principal.tenant) as session:
        bot = await find_bot(session, principal, data.model)
    ask = Ask(
        tenant_id=principal.tenant,
        message=conversation.question,
        bot_id=str(bot.id),
        end_user=data.user,
        token_id=principal.token_id,
        bot_ids=principal.bot_ids,
        metadata=data.metadata,
        request_id=request_id_of(request.scope),
    )
    message_id = await ask_prepared(asker, answers, ask, conversation.history, conversation.adapt)
    events = follower.follow(principal.tenant, message_id, None)
    created = int(now().timestamp())
    if not data.stream:
        return cast(ASGIApp, await whole(events, data.model, created))
    with_usage = data.stream_options is not None and bool(data.stream_options.include_usage)
    return cast(ASGIApp, await streamed(events, data.model, created, with_usage=with_usage))


@get(
    "/openai/v1/models",
    guards=[needs(Scope.CHAT)],
    operation_id="list_bots_as_models",
    summary="List bots as models",
    tags=TAGS,
    responses=openai_errors(401, 403),
)
async def list_models(principal: NamedDependency[Principal], database: NamedDependency[Database]) -> ModelList:
    """Every bot the token may ask. Its id and its name both serve as ``model``."""
    async with database.reading(principal.tenant) as session:
        return ModelList(data=[model_view(bot) for bot in await bots_of(session, principal)])


@get(
    "/openai/v1/models/{model:path}",
    guards=[needs(Scope.CHAT)],
    operation_id="get_bot_as_model",
    summary="Look at a bot as a model",
    tags=TAGS,
    responses=openai_errors(401, 403, 404, 409),
)
async def get_model(
    model: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> ModelView:
    """One bot, by its id or its name."""
    async with database.reading(principal.tenant) as session:
        return model_view(await find_bot(session, principal, model.removeprefix("/")))


@post(
    "/openai/v1/embeddings",
    status_code=200,
    guards=[needs(Scope.CHAT)],
    operation_id="create_embeddings",
    summary="Embed texts, as OpenAI's clients do",
    tags=TAGS,
    responses={
        200: ResponseSpec(EmbeddingList, description="The vectors", generate_examples=False),
        **openai_errors(*ASKING_FAILS),
    },
)
async def create_embeddings(
    data: JSONBody[EmbeddingRequest],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    embedder: GivenEmbedder,
    ledger: NamedDependency[Ledger],
    endpoints: NamedDependency[EndpointResolver],
    admission: NamedDependency[Admission],
) -> Response[Any]:
    """Vectors of length 1, in the order of the texts."""
    async with database.reading(principal.tenant) as session:
        chosen = await choose(session, principal.tenant, endpoints, data)
    await admit(admission, principal, chosen)
    embeddings = await embed(embedder, database, ledger, principal, chosen, data)
    body = await asyncio.to_thread(encode_answer, embeddings, data)
    return Response(body, status_code=200, media_type=MediaType.JSON)


ROUTES = (create_completion, list_models, get_model, create_embeddings)
