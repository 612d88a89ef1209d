"""``GET /v1/models``: the models that can be named."""

from litestar import get

from app.adapters.embedder.registry import KNOWN_EMBEDDING_MODELS
from app.http.access import needs_any
from app.http.docs import problems
from app.http.principal import Scope
from app.knowledge.base_schemas import ChatModelView, KnownModelView, ModelsView

_CHAT = (
    ChatModelView(
        model="extractive",
        description="Built in, needs no key: answers only with quoted sentences of the sources.",
    ),
    ChatModelView(model="openai/gpt-4o-mini", description="OpenAI; needs a credential."),
    ChatModelView(model="anthropic/claude-3-5-haiku-latest", description="Anthropic; needs a credential."),
    ChatModelView(
        model="ollama/llama3.2", description="A model served by Ollama; set api_base in a credential where it runs."
    ),
)
"""Examples of every road: any LiteLLM model string is taken."""


@get(
    "/v1/models",
    guards=[needs_any(Scope.INGEST, Scope.SEARCH, Scope.CHAT, Scope.USAGE)],
    operation_id="list_models",
    summary="List models on offer",
    tags=["Models"],
    responses=problems(401, 403),
)
async def list_models() -> ModelsView:
    """Embedding models whose ways are known, and chat models; any other LiteLLM model string can be used as well."""
    embedding = [
        KnownModelView(
            model=known.model,
            dimension=known.dimension,
            context_tokens=known.context_tokens,
            query_prefix=known.query_prefix,
            document_prefix=known.document_prefix,
        )
        for known in KNOWN_EMBEDDING_MODELS
    ]
    return ModelsView(embedding=embedding, chat=list(_CHAT))


ROUTES = (list_models,)
