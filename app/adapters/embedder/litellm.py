"""The road through LiteLLM, to every embedding provider the direct roads do not serve."""

from collections.abc import Sequence

from app.adapters.embedder.answers import embeddings_of
from app.adapters.embedder.port import Embeddings, Purpose
from app.adapters.embedder.registry import input_type
from app.adapters.litellm_call import litellm_arguments, litellm_errors
from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.provider_http import Vet
from app.adapters.provider_limits import ProviderLimits
from app.kit.models import ModelEndpoint


async def embed_by_litellm(
    gate: LiteLLMGate, vet: Vet, limits: ProviderLimits, endpoint: ModelEndpoint, texts: Sequence[str], purpose: Purpose
) -> Embeddings:
    """Embed a slice of texts by one call. Raises ProviderError and its kin; the caller sets the deadline."""
    if endpoint.api_base:
        await vet(endpoint.api_base)
    arguments = litellm_arguments(endpoint) | {"input": list(texts), "timeout": limits.total_s}
    if kind := input_type(endpoint.model, purpose):
        arguments["input_type"] = kind
    else:
        arguments["encoding_format"] = "float"  # Else the OpenAI client asks for base64, which few servers know.
    litellm = await gate.load()
    with litellm_errors(endpoint):
        answer = await litellm.aembedding(**arguments)
    items = sorted(answer.data, key=lambda item: item.get("index") or 0)
    # LiteLLM answers 0 for a provider that did not count.
    tokens = getattr(answer.usage, "prompt_tokens", None) or None
    return embeddings_of(endpoint, [item["embedding"] for item in items], texts, tokens)
