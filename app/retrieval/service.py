"""A search as doors ask for it: by a bot's policies, over its knowledge bases or named ones, metered."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col

from app.bots.service import BotProfile, load_profile
from app.kit.database import Database, Session
from app.kit.errors import NotFound
from app.kit.ids import new_id, parse_id
from app.kit.ownership import count_owned, get_owned
from app.knowledge.models import KnowledgeBase
from app.retrieval.evidence import Found, Question, Retrieved
from app.retrieval.filters import conditions_of
from app.retrieval.retriever import Retriever
from app.retrieval.schemas import AbstainView, FoundChunk, FoundDocument, SearchRequest, SearchResponse
from app.retrieval.wire import scores_view
from app.tenants.models import Credential
from app.usage.ledger import Ledger, Use
from app.usage.models import UsageKind


@dataclass(frozen=True, slots=True)
class Searching:
    """Who searches."""

    tenant_id: UUID
    token_id: UUID | None = None


async def find(
    database: Database, retriever: Retriever, ledger: Ledger, searcher: Searching, data: SearchRequest
) -> SearchResponse:
    """The passages that answer best.

    Raises NotFound for a bot, knowledge base or credential that is not the tenant's, DependencyDown and ProviderError.
    """
    tenant_id = searcher.tenant_id
    async with database.reading(tenant_id) as session:
        bot = await load_profile(session, tenant_id, data.bot_id)
        bases = await _bases(session, tenant_id, data, bot)
        if data.rerank is not None and data.rerank.credential_id is not None:
            await get_owned(session, tenant_id, Credential, parse_id(data.rerank.credential_id))
    policy = bot.retrieval.model_copy(update={} if data.rerank is None else {"rerank": data.rerank})
    question = Question(
        tenant_id=tenant_id,
        text=data.query,
        knowledge_base_ids=bases,
        policy=policy,
        limit=data.limit,
        conditions=conditions_of(data.filter),
        models=None if data.models is None else tuple(data.models),
    )
    retrieved = await retriever.retrieve(question, bot.abstain)
    await _meter(database, ledger, searcher, retrieved)
    return _response(retrieved, data)


async def _bases(session: Session, tenant_id: UUID, data: SearchRequest, bot: BotProfile) -> tuple[UUID, ...]:
    if data.knowledge_base_ids is None:
        return bot.knowledge_base_ids
    wanted = {parse_id(text) for text in data.knowledge_base_ids}
    if await count_owned(session, tenant_id, KnowledgeBase, col(KnowledgeBase.id).in_(wanted)) != len(wanted):
        raise NotFound("There is no knowledge base with this id.")
    return tuple(wanted)


async def _meter(database: Database, ledger: Ledger, searcher: Searching, retrieved: Retrieved) -> None:
    """Searches under a model that costs something leave a line in the ledger; the embedded one costs nothing."""
    uses = _uses(searcher, retrieved)
    if not uses:
        return
    async with database.transaction(searcher.tenant_id) as session:
        for use in uses:
            await ledger.write(session, searcher.tenant_id, use)


def _uses(searcher: Searching, retrieved: Retrieved) -> list[Use]:
    search_id, token_id = new_id(), searcher.token_id
    uses = [
        Use(f"search:{search_id}:{model}", UsageKind.EMBEDDING, model, embedding_tokens=tokens, token_id=token_id)
        for model, tokens in retrieved.embedding_tokens.items()
        if not model.startswith("local/")
    ]
    if (reranked := retrieved.reranked) is not None:
        uses.append(
            Use(
                f"search:{search_id}:rerank",
                UsageKind.RERANK,
                reranked.model,
                prompt_tokens=reranked.tokens,
                estimated=reranked.estimated,
                token_id=token_id,
            )
        )
    return uses


def _response(retrieved: Retrieved, data: SearchRequest) -> SearchResponse:
    kept = [found for found in retrieved.found if data.min_score is None or found.scores.deciding >= data.min_score]
    judgement = retrieved.judgement
    return SearchResponse(
        results=[_chunk(found, debug=data.debug) for found in kept],
        abstain=AbstainView(
            would_abstain=judgement.would_abstain, reason=judgement.reason, confidence=judgement.confidence
        ),
        timings_ms=retrieved.timings_ms,
        warnings=list(retrieved.warnings),
        trace=_trace(retrieved) if data.debug else None,
    )


def _chunk(found: Found, *, debug: bool) -> FoundChunk:
    evidence = found.evidence
    return FoundChunk(
        chunk_id=evidence.chunk_id,
        content=evidence.content,
        context=evidence.parent_content,
        score=round(found.scores.deciding, 6),
        scores=scores_view(found.scores, by_model=debug),
        heading_path=list(evidence.heading_path),
        page=evidence.page,
        char_start=evidence.char_start,
        char_end=evidence.char_end,
        metadata=evidence.metadata,
        document=FoundDocument(
            id=evidence.document_id,
            version_id=evidence.version_id,
            version=evidence.version,
            title=evidence.title,
            source_id=evidence.source_id,
            uri=evidence.uri,
        ),
    )


def _trace(retrieved: Retrieved) -> dict[str, object]:
    return {
        "dropped": [
            {"chunk_id": str(lost.chunk_id), "scores": scores_view(lost.scores, by_model=True), "reason": lost.reason}
            for lost in retrieved.dropped
        ]
    }
