"""The floor of ingestion: read, cut and embed in one loop of one process. No storage, no queue, no HTTP to us.

``python -m bench.plain_ingestion [--api-base URL] FILE…`` prints ``{"seconds": […], "cpu_s": …}``, one time for each
file. Embeddings are the bundled model's, or, with an address, the scripted provider's. The first is not
counted, for it loads what the others need: it should be of their kind.
"""

import argparse
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from app.adapters.embedder.dispatch import RoutedEmbedder
from app.adapters.embedder.local import LocalEmbedder
from app.adapters.embedder.registry import LOCAL_MODEL
from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_transport import AsyncioTransport
from app.adapters.tokens import TokenCounter
from app.adapters.web_fetch.guard import AddressGuard
from app.chunking.chunk import chunk
from app.chunking.embedding_text import embedding_text
from app.chunking.policy import ChunkingPolicy
from app.kit.models import ModelEndpoint
from app.parsing.media import MediaType
from app.parsing.parse import parse
from app.startup import prepare_process

STUB_MODEL = "openai/scripted-embed-384"
AT_ONCE = 64
_KINDS = {".md": MediaType.MD, ".pdf": MediaType.PDF}

Embed = Callable[[Sequence[str]], Awaitable[object]]


async def learn_all(files: Sequence[Path], api_base: str | None) -> dict[str, object]:
    """Seconds for each file and processor seconds in all, once a first file has loaded everything."""
    async with AsyncExitStack() as stack:
        embed = await _embedder(stack, api_base)
        counter = TokenCounter()
        await _learn(files[0], embed, counter)
        seconds: list[float] = []
        cpu_began = time.process_time()
        for file in files[1:]:
            began = time.perf_counter()
            await _learn(file, embed, counter)
            seconds.append(time.perf_counter() - began)
        return {"seconds": seconds, "cpu_s": time.process_time() - cpu_began}


async def _learn(file: Path, embed: Embed, counter: TokenCounter) -> None:
    chunked = chunk(parse(file, _KINDS[file.suffix]), ChunkingPolicy(), counter.count)
    texts = [embedding_text(file.name, draft.heading_path, draft.content) for draft in chunked.chunks]
    for start in range(0, len(texts), AT_ONCE):
        await embed(texts[start : start + AT_ONCE])


async def _embedder(stack: AsyncExitStack, api_base: str | None) -> Embed:
    guard = AddressGuard(frozenset({"127.0.0.1"}))
    http = await stack.enter_async_context(
        ProviderHttp(vet=guard.vet, transport=AsyncioTransport(resolve=guard.addresses))
    )
    local = LocalEmbedder()
    stack.push_async_callback(local.aclose)
    embedder = RoutedEmbedder(local, http, LiteLLMGate())
    endpoint = ModelEndpoint(LOCAL_MODEL) if api_base is None else ModelEndpoint(STUB_MODEL, "sk-bench", api_base)
    return lambda texts: embedder.embed(endpoint, texts, "document")


def main() -> None:
    """Learn the files named on the command line; the first only to warm up."""
    parser = argparse.ArgumentParser(description="Read, cut and embed files in a plain loop.")
    parser.add_argument("--api-base")
    parser.add_argument("files", nargs="+", type=Path)
    given = parser.parse_args()
    prepare_process()
    print(json.dumps(uvloop.run(learn_all(given.files, given.api_base))))


if __name__ == "__main__":
    main()
