"""The road through LiteLLM, to every provider the direct roads do not serve."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.adapters.litellm_call import litellm_arguments, litellm_errors
from app.adapters.litellm_gate import LiteLLMGate, LiteLLMStream, closing
from app.adapters.llm.openai_wire import finish_reason
from app.adapters.llm.port import Completion, ModelEvent, ModelFinished, ModelUsage, TextDelta
from app.adapters.provider_errors import StreamCut
from app.adapters.provider_http import Vet, allow_any
from app.adapters.provider_limits import ProviderLimits


class LiteLLMRoad:
    """Streams ``litellm.acompletion``. Its own retries are off: they would multiply ours."""

    def __init__(self, gate: LiteLLMGate, limits: ProviderLimits, vet: Vet = allow_any) -> None:
        self._gate = gate
        self._limits = limits
        self._vet = vet

    async def attempt(self, completion: Completion) -> AsyncGenerator[ModelEvent]:
        """Ask once. Raises ProviderError and its kin; StreamCut when the answer ends unfinished."""
        endpoint = completion.endpoint
        if endpoint.api_base:
            await self._vet(endpoint.api_base)
        arguments = self._arguments(completion)
        litellm = await self._gate.load()
        with litellm_errors(endpoint):
            stream = await litellm.acompletion(**arguments)
            finished: ModelFinished | None = None
            async with aclosing(closing(stream)) as chunks:
                async for chunk in chunks:
                    if not chunk.choices:
                        continue
                    choice = chunk.choices[0]
                    if choice.delta.content or getattr(choice.delta, "reasoning_content", None):
                        yield TextDelta(choice.delta.content or "")
                    if reason := finish_reason(endpoint, choice.finish_reason):
                        finished = ModelFinished(reason)
        if finished is None or not _provider_finished(stream):
            raise StreamCut(f"{endpoint.model}: the answer was cut in mid-stream.")
        if usage := _reported_usage(stream):
            yield usage
        yield finished

    def _arguments(self, completion: Completion) -> dict[str, object]:
        arguments = litellm_arguments(completion.endpoint) | {
            "messages": [{"role": turn.role, "content": turn.content} for turn in completion.turns],
            "stream": True,
            "stream_options": {"include_usage": True},
            "timeout": self._limits.total_s,  # The deadlines are ours; this one only has to be no shorter.
        }
        if completion.temperature is not None:
            arguments["temperature"] = completion.temperature
        if completion.max_tokens is not None:
            arguments["max_tokens"] = completion.max_tokens
        return arguments


def _provider_finished(stream: LiteLLMStream) -> bool:
    """Tell whether the provider itself ended the answer; LiteLLM invents a ``stop`` where it did not."""
    return bool(stream.received_finish_reason or stream.intermittent_finish_reason)


def _reported_usage(stream: LiteLLMStream) -> ModelUsage | None:
    """Return the provider's own count. What LiteLLM yields at the end is its guess where there was none."""
    for chunk in reversed(stream.chunks):
        usage = getattr(chunk, "usage", None)
        prompt, answer = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
        if isinstance(prompt, int) and isinstance(answer, int):
            return ModelUsage(prompt, answer)
    return None
