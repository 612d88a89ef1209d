"""The embedding models we know by name: how wide, how long, and what they want said before a text.

Figures from the models' own pages and LiteLLM's price map. A model that is not here works as well: its dimension is
learned from a first call, and it gets no prefixes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.adapters.embedder.port import Purpose


@dataclass(frozen=True, slots=True)
class KnownEmbeddingModel:
    """A model: ``context_tokens`` is the longest text it reads, the prefixes stand before each text."""

    model: str
    dimension: int
    context_tokens: int
    query_prefix: str = ""
    document_prefix: str = ""

    def prefix(self, purpose: Purpose) -> str:
        """Return what to put before a text of this purpose."""
        return self.query_prefix if purpose == "query" else self.document_prefix


LOCAL_MODEL = "local/granite-embedding-30m-english"

KNOWN_EMBEDDING_MODELS: tuple[KnownEmbeddingModel, ...] = (
    KnownEmbeddingModel(LOCAL_MODEL, 384, 512),
    # Ollama's build of nomic-embed-text reads 2,048 tokens, although the model itself was trained on 8,192.
    KnownEmbeddingModel("ollama/nomic-embed-text", 768, 2048, "search_query: ", "search_document: "),
    KnownEmbeddingModel("ollama/bge-m3", 1024, 8192),
    KnownEmbeddingModel(
        "ollama/mxbai-embed-large", 1024, 512, "Represent this sentence for searching relevant passages: "
    ),
    KnownEmbeddingModel("openai/text-embedding-3-small", 1536, 8191),
    KnownEmbeddingModel("openai/text-embedding-3-large", 3072, 8191),
    KnownEmbeddingModel("openai/text-embedding-ada-002", 1536, 8191),
    KnownEmbeddingModel("cohere/embed-english-v3.0", 1024, 512),
    KnownEmbeddingModel("cohere/embed-english-light-v3.0", 384, 512),
    KnownEmbeddingModel("cohere/embed-multilingual-v3.0", 1024, 512),
    KnownEmbeddingModel("cohere/embed-multilingual-light-v3.0", 384, 512),
    KnownEmbeddingModel("cohere/embed-v4.0", 1536, 128_000),
    KnownEmbeddingModel("voyage/voyage-3", 1024, 32_000),
    KnownEmbeddingModel("voyage/voyage-3-large", 1024, 32_000),
    KnownEmbeddingModel("voyage/voyage-3-lite", 512, 32_000),
    KnownEmbeddingModel("voyage/voyage-3.5", 1024, 32_000),
    KnownEmbeddingModel("voyage/voyage-3.5-lite", 1024, 32_000),
)

# Models that are told a text's purpose by a parameter rather than by a prefix: LiteLLM's name of the provider, then
# the values for a query and a document.
_INPUT_TYPES = {"cohere": ("search_query", "search_document"), "voyage": ("query", "document")}


def known(model: str) -> KnownEmbeddingModel | None:
    """Return what is known of a model; a bare OpenAI name and Ollama's ``:latest`` mean what they mean there."""
    name = model.removesuffix(":latest") if model.startswith("ollama/") else model
    return _BY_NAME.get(name) or _BY_NAME.get(f"openai/{name}")


def with_prefix(model: str, texts: Iterable[str], purpose: Purpose) -> list[str]:
    """Put the model's prefix before each text, where it has one."""
    found = known(model)
    prefix = found.prefix(purpose) if found else ""
    return [prefix + text for text in texts]


def input_type(model: str, purpose: Purpose) -> str | None:
    """Return the parameter by which a model is told the purpose, or ``None`` for models without one."""
    types = _INPUT_TYPES.get(model.split("/", 1)[0])
    return None if types is None else types[purpose == "document"]


_BY_NAME = {entry.model: entry for entry in KNOWN_EMBEDDING_MODELS}
