"""The models a process can call, and what they share."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from app.adapters.embedder.dispatch import RoutedEmbedder
from app.adapters.embedder.granite import Granite
from app.adapters.embedder.local import LocalEmbedder
from app.adapters.embedder.port import Embedder
from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.llm.dispatch import RoutedModel
from app.adapters.llm.port import LanguageModel
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_limits import ProviderLimits
from app.adapters.provider_transport import AsyncioTransport
from app.adapters.reranker.dispatch import RoutedReranker
from app.adapters.reranker.local import LocalRerankers
from app.adapters.reranker.port import Reranker
from app.adapters.tokens import TokenCounter
from app.adapters.web_fetch.guard import AddressGuard
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Models:
    """Every model this process may call; none is loaded yet."""

    embedder: Embedder
    reranker: Reranker
    model: LanguageModel
    tokens: TokenCounter
    local: LocalEmbedder


async def open_models(
    stack: AsyncExitStack, settings: Settings, guard: AddressGuard, load_embedder: Callable[[], Granite]
) -> Models:
    """Open the roads to them. ``load_embedder`` is called when the bundled model is first needed."""
    limits = ProviderLimits(settings.provider_timeout_s, settings.provider_idle_s, settings.provider_total_s)
    transport = AsyncioTransport(resolve=guard.addresses)
    http = await stack.enter_async_context(ProviderHttp(vet=guard.vet, transport=transport))
    gate = LiteLLMGate()
    stack.push_async_callback(gate.aclose)
    local = LocalEmbedder(load_embedder)
    stack.push_async_callback(local.aclose)
    rerankers = LocalRerankers(settings.models_dir)
    stack.push_async_callback(rerankers.aclose)
    return Models(
        embedder=RoutedEmbedder(local, http, gate, limits),
        reranker=RoutedReranker(rerankers, http, gate),
        model=RoutedModel(http, gate, limits),
        tokens=TokenCounter(),
        local=local,
    )
