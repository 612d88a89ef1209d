"""The order of retrieval, and nothing else: reach, search, fuse, hydrate, rerank, judge.

Each step is a file of its own. No database session is open while a model or an index is asked.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.bots.policies import AbstainPolicy
from app.kit.clock import Stopwatch
from app.kit.database import Database
from app.knowledge.reading import Evidence, hydrate
from app.retrieval.abstain import judge
from app.retrieval.evidence import Candidate, Dropped, Found, Question, Retrieved
from app.retrieval.fusion import fuse
from app.retrieval.reach import reaches_of
from app.retrieval.rerank import RERANKED, Reranked, Reranking
from app.retrieval.search import Searcher
from app.tenants.endpoints import EndpointResolver

DEEPEST = 200
"""How many fused candidates are looked up at most: what lies deeper never reaches an answer."""
SPARE = 10
"""How many more than needed are looked up at a time, for those that turn out not to be active."""


class Retriever:
    """Finds evidence for a question among the active versions of a tenant's documents."""

    def __init__(
        self, database: Database, searcher: Searcher, endpoints: EndpointResolver, reranking: Reranking
    ) -> None:
        self._database = database
        self._searcher = searcher
        self._endpoints = endpoints
        self._reranking = reranking

    async def retrieve(self, question: Question, abstain: AbstainPolicy) -> Retrieved:
        """Raises DependencyDown or ProviderError only when nothing at all could be searched."""
        watch = Stopwatch()
        async with self._database.reading(question.tenant_id) as session:
            reaches = await reaches_of(session, question, self._endpoints)
        searched = await self._searcher.search(question, reaches)
        with watch.stage("fuse"):
            candidates = fuse(searched.lists, question.policy.fusion)[:DEEPEST]
        with watch.stage("hydrate"):
            found, dropped = await self._hydrate(question, candidates)
        reranked = await self._rerank(question, found, watch)
        found, cut = _cut(reranked.found, question.limit)
        timings = {"embed": 0.0, "dense": 0.0, "sparse": 0.0, "rerank": 0.0, **searched.timings_ms, **watch.timings_ms}
        return Retrieved(
            found=found,
            judgement=judge(question.text, found, abstain, question.policy.rerank),
            timings_ms={**timings, "total": watch.elapsed_ms()},
            dropped=(*cut, *dropped),
            warnings=(*searched.warnings, *([] if reranked.warning is None else [reranked.warning])),
            embedding_tokens=searched.embedding_tokens,
            reranked=reranked.use,
        )

    async def _rerank(self, question: Question, found: tuple[Found, ...], watch: Stopwatch) -> Reranked:
        policy = question.policy.rerank
        if policy is None:
            return Reranked(found)
        with watch.stage("rerank"):
            return await self._reranking.rerank(question, policy, found)

    async def _hydrate(
        self, question: Question, candidates: Sequence[Candidate]
    ) -> tuple[tuple[Found, ...], tuple[Dropped, ...]]:
        """Look candidates up, best first, until there are enough that count."""
        enough = question.limit if question.policy.rerank is None else max(question.limit, RERANKED)
        known: dict[UUID, Evidence] = {}
        looked = 0
        while looked < len(candidates) and len(known) < enough:
            wave = candidates[looked : looked + enough - len(known) + SPARE]
            looked += len(wave)
            async with self._database.reading(question.tenant_id) as session:
                ids = [candidate.chunk_id for candidate in wave]
                known |= await hydrate(session, question.tenant_id, ids, question.knowledge_base_ids)
        found, dropped = _select(candidates[:looked], known)
        beyond = tuple(Dropped(one.chunk_id, one.scores, f"below the best {looked}") for one in candidates[looked:])
        return found, (*dropped, *beyond)


def _select(
    candidates: Sequence[Candidate], known: Mapping[UUID, Evidence]
) -> tuple[tuple[Found, ...], tuple[Dropped, ...]]:
    found: list[Found] = []
    dropped: list[Dropped] = []
    for candidate in candidates:
        evidence = known.get(candidate.chunk_id)
        if evidence is None:
            dropped.append(Dropped(candidate.chunk_id, candidate.scores, "not in an active version"))
        else:
            found.append(Found(evidence, candidate.scores))
    return tuple(found), tuple(dropped)


def _cut(found: Sequence[Found], limit: int) -> tuple[tuple[Found, ...], tuple[Dropped, ...]]:
    beyond = [Dropped(item.evidence.chunk_id, item.scores, f"below the best {limit}") for item in found[limit:]]
    return tuple(found[:limit]), tuple(beyond)
