"""Puts the answering flow together from what the runtime has."""

from dataclasses import dataclass

from app.adapters.embedder.port import Embedder
from app.adapters.event_log import EventLog
from app.adapters.llm.port import LanguageModel
from app.adapters.reranker.port import Reranker
from app.adapters.tokens import TokenCounter
from app.adapters.vector_store import VectorStore
from app.chat.answering import Answering
from app.chat.asking import Asker
from app.chat.cache.recall import AnswerCache
from app.chat.conversation import Finisher
from app.chat.extractive import ExtractiveAnswerer
from app.chat.following import Follower
from app.chat.metering import Meter
from app.chat.recovery import Recovery
from app.chat.streams import Answers
from app.chat.writers import Writers
from app.events.service import Recorder
from app.kit.database import Database
from app.kit.models import ModelEndpoint
from app.knowledge.model_list import DEFAULT_MODEL
from app.retrieval.rerank import Reranking
from app.retrieval.retriever import Retriever
from app.retrieval.search import Searcher
from app.settings import Settings
from app.tenants.endpoints import EndpointResolver
from app.usage.admission import Admission
from app.usage.ledger import Ledger


@dataclass(frozen=True, slots=True)
class ChatFlow:
    """The parts of the flow that doors use."""

    retriever: Retriever
    answers: Answers
    asker: Asker
    follower: Follower
    recovery: Recovery


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What the flow is made of."""

    settings: Settings
    database: Database
    vectors: VectorStore
    embedder: Embedder
    reranker: Reranker
    model: LanguageModel
    endpoints: EndpointResolver
    event_log: EventLog
    ledger: Ledger
    admission: Admission
    recorder: Recorder
    tokens: TokenCounter


def build_chat(parts: ChatParts) -> ChatFlow:
    """The answering flow."""
    reranking = Reranking(parts.database, parts.reranker, parts.endpoints)
    retriever = Retriever(parts.database, Searcher(parts.vectors, parts.embedder), parts.endpoints, reranking)
    embedded = ModelEndpoint(DEFAULT_MODEL)
    extractive = ExtractiveAnswerer(parts.embedder, embedded)
    cache = AnswerCache(parts.database, parts.embedder, embedded)
    writers = Writers(parts.database, parts.endpoints, parts.model, extractive, parts.tokens.count)
    finisher = Finisher(parts.database, parts.ledger, parts.recorder)
    meter = Meter(parts.ledger)
    answering = Answering(cache, retriever, writers, finisher, meter)
    answers = Answers(answering, parts.event_log, parts.settings.abandoned_answer_s)
    recovery = Recovery(parts.database, parts.event_log, finisher, meter, parts.tokens.count)
    return ChatFlow(
        retriever=retriever,
        answers=answers,
        asker=Asker(parts.database, answers, parts.admission),
        follower=Follower(parts.database, answers, recovery),
        recovery=recovery,
    )
