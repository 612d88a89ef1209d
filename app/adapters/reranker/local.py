"""``onnx:/absolute/path``: cross-encoders of the operator's, on a thread of their own.

A tenant writes the path into its bot, so it may only lead into the folder the operator named (MINIRAG_MODELS_DIR):
whatever else is on this machine is not opened, nor said to be there.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.adapters.reranker.cross_encoder import CrossEncoder, RerankerUnusable, batches, load_cross_encoder
from app.adapters.reranker.port import Ranking
from app.kit.errors import ProviderRefused

SCHEME = "onnx:"
KEPT = 2
"""Loaded models that are kept; each takes as much memory as its file."""


class LocalRerankers:
    """Loads a cross-encoder at its first use and judges a batch at a time: a caller who gives up waits for no more."""

    def __init__(self, models_dir: Path | None) -> None:
        self._models_dir = models_dir
        self._thread = ThreadPoolExecutor(1, "rerank")
        self._loaded: OrderedDict[Path, CrossEncoder] = OrderedDict()

    async def rerank(self, model: str, query: str, texts: Sequence[str]) -> Ranking:
        """Score texts. Raises ProviderRefused for a path that may not be opened, and RerankerUnusable."""
        run = asyncio.get_running_loop().run_in_executor
        encoder = await run(self._thread, self._load, model)
        scores = [0.0] * len(texts)
        tokens = 0
        for batch in batches(texts):
            found, read = await run(self._thread, encoder.scores, query, [texts[at] for at in batch])
            tokens += read
            for at, score in zip(batch, found, strict=True):
                scores[at] = score
        return Ranking(tuple(scores), tokens)

    async def aclose(self) -> None:
        """Wait for the batch under way and end the thread."""
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    def _load(self, model: str) -> CrossEncoder:
        folder = self._allowed(Path(model.removeprefix(SCHEME)))
        encoder = self._loaded.pop(folder, None) or load_cross_encoder(folder)
        self._loaded[folder] = encoder
        while len(self._loaded) > KEPT:
            self._loaded.popitem(last=False)
        return encoder

    def _allowed(self, folder: Path) -> Path:
        """The folder with every link followed. One refusal for all that is outside, whether it exists or not."""
        if self._models_dir is None:
            raise ProviderRefused("Models of one's own are not switched on here: the operator sets MINIRAG_MODELS_DIR.")
        allowed, wanted = self._models_dir.resolve(), folder.resolve()
        if not folder.is_absolute() or wanted == allowed or not wanted.is_relative_to(allowed):
            raise ProviderRefused("The path is not one of a model in the operator's folder (MINIRAG_MODELS_DIR).")
        if not wanted.is_dir():
            raise RerankerUnusable(f"There is no model named '{wanted.name}' in the operator's folder.")
        return wanted
