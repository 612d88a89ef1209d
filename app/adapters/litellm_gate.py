"""The one door through which LiteLLM comes in: late, in a thread, offline and quiet.

Importing it costs two to three seconds, 170 MB and 2,700 modules, so it happens only once a bot, an embedder or a
reranker needs a provider the direct roads do not serve.
"""

import asyncio
import gc
import importlib
import logging
import os
import warnings
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol, cast

_OFFLINE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # Else the import fetches a price list from GitHub.
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",  # Else the first call to Anthropic fetches a list of headers.
    "LITELLM_MODE": "PRODUCTION",  # Else the import reads a .env file into our environment.
}
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "openai")


class LiteLLM(Protocol):
    """The few functions we call. Their arguments vary with the provider, hence the open signatures."""

    async def acompletion(self, **arguments: object) -> "LiteLLMStream":
        """Begin a chat completion, streamed."""
        ...

    async def aembedding(self, **arguments: object) -> "LiteLLMEmbeddings":
        """Embed texts."""
        ...

    async def arerank(self, **arguments: object) -> "LiteLLMRanking":
        """Rank documents by their relevance to a query."""
        ...


class LiteLLMDelta(Protocol):
    """What a chunk adds; LiteLLM leaves attributes out that the provider did not send."""

    content: str | None


class LiteLLMChoice(Protocol):
    """The only choice of a chunk."""

    delta: LiteLLMDelta
    finish_reason: str | None


class LiteLLMChunk(Protocol):
    """One chunk of a stream."""

    choices: Sequence[LiteLLMChoice]


class LiteLLMStream(Protocol):
    """A stream of chunks. ``chunks`` keeps them as they came, ``received_finish_reason`` what the provider said."""

    chunks: Sequence[LiteLLMChunk]
    received_finish_reason: str | None
    intermittent_finish_reason: str | None

    def __aiter__(self) -> "LiteLLMStream":
        """Iterate."""
        ...

    async def __anext__(self) -> LiteLLMChunk:
        """Return the next chunk."""
        ...

    async def aclose(self) -> None:
        """Close the upstream connection."""
        ...


class LiteLLMEmbeddings(Protocol):
    """An answer to ``aembedding``."""

    data: Sequence[Mapping[str, Any]]
    usage: object


class LiteLLMRanking(Protocol):
    """An answer to ``arerank``."""

    results: Sequence[Mapping[str, Any]]
    meta: Mapping[str, Any] | None


class LiteLLMGate:
    """Loads LiteLLM once for the process. Cheap to build; ``loaded`` tells whether the price was paid."""

    def __init__(self) -> None:
        self._loading: asyncio.Task[LiteLLM] | None = None

    @property
    def loaded(self) -> bool:
        """Whether the next call need not wait for the import."""
        return self._loading is not None and self._loading.done()

    async def load(self) -> LiteLLM:
        """Return LiteLLM, imported and warmed in a thread by the first caller. Raises ImportError where it is absent.

        Shielded: a caller who gives up does not spoil the import for those who wait with him.
        """
        if self._loading is None or self._loading.cancelled():
            self._loading = asyncio.create_task(asyncio.to_thread(_import_quietly))
        return await asyncio.shield(self._loading)

    async def aclose(self) -> None:
        """Close the connections LiteLLM keeps for the whole process."""
        if self._loading is None:
            return
        await asyncio.gather(self._loading, return_exceptions=True)
        cleanup = importlib.import_module("litellm.llms.custom_httpx.async_client_cleanup")
        await cleanup.close_litellm_async_clients()


def _import_quietly() -> LiteLLM:
    for name, value in _OFFLINE.items():
        os.environ.setdefault(name, value)
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.disable_hf_tokenizer_download = True  # Else counting tokens asks huggingface.co, 25 s when offline.
    litellm.disable_aiohttp_trust_env = True
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    # LiteLLM walks the attributes of its pydantic objects at every chunk. It silences this at import, but whoever
    # resets the filters afterwards, as test runners do, would hear it from each token.
    warnings.filterwarnings("ignore", message="Accessing the 'model_", category=DeprecationWarning)
    _warm(litellm)
    # The import leaves half a million objects that live for ever; the collector need not walk them again.
    gc.freeze()
    return cast("LiteLLM", litellm)


def _warm(litellm: Any) -> None:
    """Make LiteLLM load what it loads at the first call, by a call that answers itself."""
    turns = [{"role": "user", "content": "."}]
    for _ in litellm.completion(model="openai/warm", messages=turns, mock_response=".", stream=True):
        pass


async def closing(stream: LiteLLMStream) -> AsyncGenerator[LiteLLMChunk]:
    """Iterate a stream as a generator whose closing closes the upstream connection."""
    try:
        async for chunk in stream:
            yield chunk
    finally:
        await stream.aclose()
