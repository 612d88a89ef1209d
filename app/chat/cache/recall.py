"""Looking an answer up before it is written, and keeping it after. What fails here costs the look-up alone.

exact      before the rewriting: the question as it was asked, or the whole conversation
standalone after it: what a follow-up asks by itself
likely     while the search runs: the same question in other words; agreed on once its evidence is known
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from decimal import Decimal

import structlog

from app.adapters.embedder.port import Embedder
from app.bots.service import EXTRACTIVE
from app.chat.answer import Answer
from app.chat.cache.entries import find, neighbours
from app.chat.cache.keys import folded, key_of
from app.chat.cache.meaning import AGREED, LONGEST, agree, likeness, same_questions, vector_of
from app.chat.cache.partition import partition_of
from app.chat.cache.values import Afterwards, Hit, Keeping, Trial
from app.chat.context import Source
from app.chat.models import FinishReason
from app.kit.database import Database, Session
from app.kit.metrics import FAILED_OPEN
from app.kit.models import ModelEndpoint

log = structlog.get_logger(__name__)


class AnswerCache:
    """The cache as the answering flow uses it."""

    def __init__(self, database: Database, embedder: Embedder, endpoint: ModelEndpoint) -> None:
        self._database = database
        self._embedder = embedder
        self._endpoint = endpoint

    async def exact(self, answer: Answer) -> Hit | None:
        """The answer to the same question, or the last one of the same conversation; also names the partition.

        The partition is read even where the cache may not be: the answer may have to be kept.
        """
        policy, memory = answer.bot.cache, answer.memory
        if not policy.exact and policy.semantic == "off":
            return None
        asked, history = answer.asked, answer.begun.history
        with _optional("cache lookup"):
            async with self._database.reading(asked.tenant_id) as session:
                memory.partition = await partition_of(session, asked.tenant_id, answer.bot)
                memory.key = key_of(asked.message, history)
                if not history:
                    memory.question, memory.alone = asked.message, True
                return await _kept(session, answer, memory.key)
        return None

    async def standalone(self, answer: Answer, query: str) -> Hit | None:
        """The answer to what a follow-up asks by itself; None for a first question, which has been looked up."""
        memory = answer.memory
        if not memory.partition or not answer.begun.history:
            return None
        if answer.bot.model == EXTRACTIVE:  # It reads the question alone, so its answer is one to the question alone.
            memory.key, memory.alone = key_of(query), True
        elif answer.bot.retrieval.rewrite == "off":
            return None
        memory.question = query
        with _optional("cache lookup"):
            async with self._database.reading(answer.asked.tenant_id) as session:
                return await _kept(session, answer, key_of(query))
        return None

    async def likely(self, answer: Answer) -> Hit | None:
        """The nearest stored question that asks the same in other words, with its answer."""
        policy, memory = answer.bot.cache, answer.memory
        if policy.semantic == "off" or memory.question is None or len(memory.question) > LONGEST:
            return None
        with _optional("cache comparison"):
            question = folded(memory.question)
            memory.vector = await vector_of(self._embedder, self._endpoint, question)
            if not _may_read(answer):
                return None
            tenant_id, ttl_s = answer.asked.tenant_id, policy.ttl_s
            async with self._database.reading(tenant_id) as session:
                near = await neighbours(session, tenant_id, memory.partition, ttl_s)
                for neighbour, similarity in same_questions(question, memory.vector, near, policy.min_similarity):
                    stored = await find(session, tenant_id, memory.partition, neighbour.key, ttl_s)
                    if stored is not None:
                        return Hit(stored, "semantic", similarity)
        return None

    def agreed(self, answer: Answer, likely: Hit | None, sources: Sequence[Source]) -> Hit | None:
        """The likely answer where both questions find the same evidence; in shadow mode it is noted, not given."""
        if likely is None or not sources or not agree(likely.stored, [one.evidence.chunk_id for one in sources]):
            return None
        if answer.bot.cache.semantic == "on":
            return likely
        answer.memory.rival = likely
        return None


def afterwards_of(answer: Answer) -> Afterwards:
    """What to write down with the end of an answer: the answer itself, a trial, or what a hit saved.

    Only an answer that a model ended by itself is kept, of a search that lacked nothing: what was cut short, refused,
    stopped or went wrong is tried again.
    """
    memory, outcome = answer.memory, answer.outcome
    if memory.hit is not None:
        return Afterwards(saved_usd=memory.hit.stored.cost_usd)
    complete = outcome.finish_reason is FinishReason.STOP and outcome.error is None and answer.writer.text != ""
    if not complete:
        return Afterwards()
    trial = None if memory.rival is None else _trial(answer, memory.rival)
    if not memory.partition or memory.key is None:
        return Afterwards(trial=trial)
    keeping = Keeping(
        partition=memory.partition,
        key=memory.key,
        question=folded(memory.question if memory.alone and memory.question is not None else answer.asked.message),
        vector=memory.vector if memory.alone else None,
        ttl_s=answer.bot.cache.ttl_s,
        cost_usd=Decimal(0) if outcome.metered is None else Decimal(outcome.metered.cost_usd),
    )
    return Afterwards(keeping, trial)


def _trial(answer: Answer, rival: Hit) -> Trial:
    """A hit would have been wrong where the fresh answer rests on other chunks than the stored one."""
    fresh = list({citation.chunk_id for citation in answer.outcome.citations})
    return Trial(rival.similarity, would_err=likeness(list(rival.stored.cited), fresh) < AGREED)


async def _kept(session: Session, answer: Answer, key: str) -> Hit | None:
    policy = answer.bot.cache
    if not policy.exact or not _may_read(answer):
        return None
    stored = await find(session, answer.asked.tenant_id, answer.memory.partition, key, policy.ttl_s)
    return None if stored is None else Hit(stored, "exact", 1.0)


def _may_read(answer: Answer) -> bool:
    """A trace shows how an answer came about, which a stored one cannot tell."""
    return answer.use_cache and not answer.debug


@contextmanager
def _optional(step: str) -> Generator[None]:
    try:
        yield
    except Exception as fault:  # noqa: BLE001  # Whatever it is, the answer can be written without the cache.
        FAILED_OPEN.labels(step="cache").inc()
        log.warning("cache.failed_open", what=step, kind=type(fault).__name__)
