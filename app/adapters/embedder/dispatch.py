"""Which driver embeds for a model: the bundled one, a direct road, or LiteLLM."""

from collections.abc import Sequence

from app.adapters.embedder.litellm import embed_by_litellm
from app.adapters.embedder.local import LocalEmbedder
from app.adapters.embedder.ollama import embed_by_ollama
from app.adapters.embedder.openai_compatible import embed_by_openai
from app.adapters.embedder.port import Embeddings, Purpose
from app.adapters.embedder.registry import with_prefix
from app.adapters.embedder.slices import Call, embed_in_slices
from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.ollama_address import speaks_ollama
from app.adapters.openai_address import speaks_openai
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_limits import ProviderLimits
from app.kit.models import ModelEndpoint


class RoutedEmbedder:
    """The Embedder the service uses: picks the driver by the model's name, adds prefixes, deadlines and retries."""

    def __init__(
        self, local: LocalEmbedder, http: ProviderHttp, gate: LiteLLMGate, limits: ProviderLimits | None = None
    ) -> None:
        self._local = local
        self._http = http
        self._gate = gate
        self._limits = limits or ProviderLimits()

    async def embed(self, endpoint: ModelEndpoint, texts: Sequence[str], purpose: Purpose) -> Embeddings:
        """Embed at least one text; see Embedder."""
        if not texts:
            raise ValueError("There is nothing to embed.")
        if endpoint.model.startswith("local/"):
            return await self._local.embed(endpoint, texts, purpose)
        prefixed = with_prefix(endpoint.model, texts, purpose)
        return await embed_in_slices(prefixed, self._call(endpoint, purpose), self._limits, endpoint.model)

    def _call(self, endpoint: ModelEndpoint, purpose: Purpose) -> Call:
        if speaks_ollama(endpoint.model):
            return lambda texts: embed_by_ollama(self._http, endpoint, texts)
        if speaks_openai(endpoint.model):
            return lambda texts: embed_by_openai(self._http, endpoint, texts)
        return lambda texts: embed_by_litellm(self._gate, self._http.vet, self._limits, endpoint, texts, purpose)
