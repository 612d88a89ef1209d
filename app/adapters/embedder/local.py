"""The bundled embedder: the model on threads of its own, so that a question never waits behind documents.

documents ─ sorted by length ─ batches ─ one niced thread ─┐
queries ─ whoever waits together goes together ─ one thread ┴─ the model (onnxruntime lets go of the GIL)
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from app.adapters.embedder.granite import Granite, LocalModelUnusable, Tokenized, load_granite
from app.adapters.embedder.port import Embeddings, Purpose
from app.adapters.embedder.query_lane import QueryLane
from app.adapters.embedder.registry import LOCAL_MODEL
from app.adapters.memory import release_memory
from app.kit.errors import Invalid
from app.kit.models import ModelEndpoint

if TYPE_CHECKING:  # See ``port``.
    import numpy as np
    from numpy.typing import NDArray

DIMENSION = 384
BATCH_TOKENS = 1024  # Four full passages: more costs memory and gains no speed.
BATCH_TEXTS = 16
NICENESS = 5
TRIM_FROM_TEXTS = 32


class LocalEmbedder:
    """Embeds with the bundled model, which is loaded at the first call or by ``load``.

    Once loading has failed it is not tried again: the files will not change under a running server.
    """

    def __init__(self, load: Callable[[], Granite] = load_granite) -> None:
        self._load = load
        self._documents = ThreadPoolExecutor(1, "embed-documents", initializer=_step_back)
        self._queries = ThreadPoolExecutor(1, "embed-queries")
        self._lane = QueryLane(self._embed_queries, self._queries)
        self._loading: asyncio.Future[Granite] | None = None

    async def load(self) -> None:
        """Load the model if it is not. Raises LocalModelUnusable."""
        await self._model()

    async def embed(self, endpoint: ModelEndpoint, texts: Sequence[str], purpose: Purpose) -> Embeddings:
        """Embed texts. Raises LocalModelUnusable, and Invalid for a local model there is not."""
        if endpoint.model != LOCAL_MODEL:
            raise Invalid.field("model", f"there is no bundled model {endpoint.model!r}, only {LOCAL_MODEL!r}")
        model = await self._model()
        if purpose == "query":
            return await self._lane.embed(texts)
        return await self._embed_documents(model, texts)

    async def aclose(self) -> None:
        """Wait for the batch under way and end the threads."""
        await self._lane.aclose()
        for pool in (self._documents, self._queries):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def _model(self) -> Granite:
        if self._loading is None:
            # On the documents' thread, for the model's helper thread inherits its niceness.
            self._loading = asyncio.get_running_loop().run_in_executor(self._documents, self._load)
        try:
            return await asyncio.shield(self._loading)
        except LocalModelUnusable as error:
            raise LocalModelUnusable(error.detail) from error

    def _loaded(self) -> Granite:
        if self._loading is None:
            raise LocalModelUnusable("The bundled embedding model has not been loaded.")
        return self._loading.result()

    async def _embed_documents(self, model: Granite, texts: Sequence[str]) -> Embeddings:
        """Embed batch by batch; between two of them others get their turn and a cancellation takes effect."""
        run = asyncio.get_running_loop().run_in_executor
        tokenized = await run(self._documents, model.tokenize, texts)
        vectors = _room_for(len(texts))
        for batch in batches([len(text.ids) for text in tokenized]):
            vectors[batch] = await run(self._documents, model.vectors, [tokenized[at] for at in batch])
        if len(texts) >= TRIM_FROM_TEXTS:
            await run(self._documents, release_memory)
        return Embeddings(vectors, _count(tokenized))

    def _embed_queries(self, texts: Sequence[str]) -> tuple["NDArray[np.float32]", list[int]]:
        model = self._loaded()
        tokenized = model.tokenize(texts)
        vectors = _room_for(len(texts))
        for batch in batches([len(text.ids) for text in tokenized]):
            vectors[batch] = model.vectors([tokenized[at] for at in batch])
        return vectors, [len(text.ids) for text in tokenized]


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group texts of like length, so that little is padded: lists of positions, each within the bounds above."""
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) >= BATCH_TEXTS or (len(batch) + 1) * lengths[at] > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _room_for(count: int) -> "NDArray[np.float32]":
    import numpy as np  # noqa: PLC0415  Late, for the cold start: see ``port``.

    return np.empty((count, DIMENSION), dtype=np.float32)


def _count(texts: Sequence[Tokenized]) -> int:
    return sum(len(text.ids) for text in texts)


def _step_back() -> None:
    """Let the event loop and queries go first on a busy machine; only Linux gives each thread its own niceness."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
