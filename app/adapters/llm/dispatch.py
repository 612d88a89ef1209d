"""Which road a model takes: directly where we speak its protocol, else through LiteLLM.

LiteLLM costs about 350 µs of CPU for each streamed token, the direct roads a tenth of that.
"""

from collections.abc import AsyncGenerator

from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.llm.litellm import LiteLLMRoad
from app.adapters.llm.ollama import OllamaRoad
from app.adapters.llm.openai_compatible import OpenAIRoad
from app.adapters.llm.port import Completion, ModelEvent, Road
from app.adapters.llm.steady import steady
from app.adapters.ollama_address import speaks_ollama
from app.adapters.openai_address import speaks_openai
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_limits import ProviderLimits


class RoutedModel:
    """The LanguageModel the service uses: picks the road by the model's name, adds deadlines and retries."""

    def __init__(self, http: ProviderHttp, gate: LiteLLMGate, limits: ProviderLimits | None = None) -> None:
        self._limits = limits or ProviderLimits()
        self._openai = OpenAIRoad(http)
        self._ollama = OllamaRoad(http)
        self._litellm = LiteLLMRoad(gate, self._limits, http.vet)

    def stream(self, completion: Completion) -> AsyncGenerator[ModelEvent]:
        """Ask the model; see LanguageModel."""
        return steady(self.road(completion.endpoint.model), completion, self._limits)

    def road(self, model: str) -> Road:
        """Return the road a model takes."""
        if speaks_ollama(model):
            return self._ollama
        if speaks_openai(model):
            return self._openai
        return self._litellm


def needs_litellm(model: str) -> bool:
    """Tell whether a chat model goes through LiteLLM, so that it can be loaded before the first question."""
    return not speaks_ollama(model) and not speaks_openai(model)
