"""The values that travel through retrieval, from the first hit to the last judgement."""

from dataclasses import dataclass, field
from uuid import UUID

from app.adapters.vector_store.port import Hit, MetadataCondition
from app.bots.policies import RetrievalPolicy
from app.knowledge.reading import Evidence


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for, and where. ``models`` narrows the search to some embedding models (None: all)."""

    tenant_id: UUID
    text: str
    knowledge_base_ids: tuple[UUID, ...]
    policy: RetrievalPolicy
    limit: int
    conditions: tuple[MetadataCondition, ...] = ()
    models: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class RankedList:
    """The hits of one search, best first. ``kind`` is ``dense`` or ``sparse``; ``model`` is set for dense ones."""

    kind: str
    model: str | None
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """What each judge said of a chunk; ``dense`` is the best over the models, ``by_model`` has each."""

    fused: float
    rrf: float
    dense: float | None = None
    sparse: float | None = None
    rerank: float | None = None
    by_model: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def deciding(self) -> float:
        """The score the order goes by: the reranker's where it has judged, else that of fusion."""
        return self.fused if self.rerank is None else self.rerank


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that was found, before SQL has said whether it still counts."""

    chunk_id: UUID
    scores: Scores


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk that counts, with its text, its place and its scores."""

    evidence: Evidence
    scores: Scores


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that did not make it, and why; shown to whoever asks for the trace."""

    chunk_id: UUID
    scores: Scores
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the evidence is too weak to answer from. ``confidence`` lies between 0 and 1."""

    would_abstain: bool
    reason: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class RerankUse:
    """What judging the chunks used, in tokens; ``estimated`` where the model's provider did not say."""

    model: str
    tokens: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The outcome of a search: what was found, best first; how it was judged; how long each step took in ms."""

    found: tuple[Found, ...]
    judgement: Judgement
    timings_ms: dict[str, float]
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()
    embedding_tokens: dict[str, int] = field(default_factory=dict[str, int])
    reranked: RerankUse | None = None
