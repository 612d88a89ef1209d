"""The answering flow: from a stored question to a stored, cited answer, as an iterator of typed events.

It knows no HTTP. Its events follow the grammar of ``chat/events.py`` on every path. A task that is cancelled inside
``answer`` calls ``end`` with what it was cancelled for: what was written is kept, billed and told in the same grammar.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import assert_never

import structlog

from app.adapters.llm.port import ModelFinished, ModelUsage, TextDelta
from app.chat.abstention import abstention
from app.chat.answer import Answer
from app.chat.cache.recall import AnswerCache, afterwards_of
from app.chat.cache.retelling import Retelling
from app.chat.cache.values import Hit
from app.chat.citations import CitationWriter
from app.chat.context import Source, choose_sources
from app.chat.conversation import Finisher
from app.chat.events import AnswerEvent, Cited, Delta, Done, Failed, SourcesFound, Started
from app.chat.metering import Meter
from app.chat.models import FinishReason
from app.chat.trace import trace_of
from app.chat.writers import Writers
from app.kit.errors import AppError
from app.kit.metrics import ANSWERS, FIRST_TOKEN_SECONDS
from app.retrieval.evidence import Question, Retrieved
from app.retrieval.retriever import Retriever

FOUND_PER_SOURCE = 2
"""Chunks kept for each source a model may read: several may share a parent, and the budget decides in the end."""

UNEXPECTED = "An unexpected error. The request id finds it in the server's log."

log = structlog.get_logger(__name__)


class Answering:
    """Orders the steps of an answer; each is a file of its own."""

    def __init__(
        self, cache: AnswerCache, retriever: Retriever, writers: Writers, finisher: Finisher, meter: Meter
    ) -> None:
        self._cache = cache
        self._retriever = retriever
        self._writers = writers
        self._finisher = finisher
        self._meter = meter

    async def answer(self, answer: Answer) -> AsyncGenerator[AnswerEvent]:
        """Every event of the answer, in order, ending with Done; only cancellation escapes from here."""
        yield Started(answer.begun.chat_id, answer.begun.message_id)
        try:
            async with aclosing(self._produce(answer)) as events:
                async for event in events:
                    yield event
        except AppError as fault:
            answer.outcome.error = fault
        except Exception as bug:
            log.error("answer.crashed", exc_info=bug)
            answer.outcome.error = AppError(UNEXPECTED)
        reason = FinishReason.ERROR if answer.outcome.error is not None else answer.outcome.finish_reason
        for event in await self.end(answer, reason):
            yield event

    async def end(self, answer: Answer, reason: FinishReason) -> list[AnswerEvent]:
        """Store the answer as it stands, and give the events that close it: held text, error, usage, done."""
        outcome = answer.outcome
        outcome.finish_reason = reason
        closing: list[AnswerEvent] = list(_gather(answer, answer.writer.finish()))
        outcome.text = answer.writer.text
        if outcome.abstained is None:
            self._writers.settle_tokens(answer, None)
        uses, outcome.metered = self._meter.measure(answer)
        outcome.afterwards = afterwards_of(answer)
        try:
            await self._finisher.finish(answer.asked, answer.begun, outcome, uses, answer.request_id)
        except Exception as bug:
            log.error("answer.not_stored", exc_info=bug, message_id=str(answer.begun.message_id))
            outcome.error, outcome.finish_reason = AppError(UNEXPECTED), FinishReason.ERROR
        if outcome.error is not None:
            closing.append(Failed(outcome.error))
        _report(answer)
        return [*closing, outcome.metered, Done(answer.begun.message_id, outcome.finish_reason)]

    async def _produce(self, answer: Answer) -> AsyncGenerator[AnswerEvent]:
        query, hit = answer.asked.message, await self._cache.exact(answer)
        if hit is None:
            with answer.watch.stage("rewrite"):
                query = await self._writers.standalone(answer)
            hit = await self._cache.standalone(answer, query)
        if hit is not None:
            for event in _tell_again(answer, query, hit):
                yield event
            return
        async with aclosing(self._research(answer, query)) as events:
            async for event in events:
                yield event

    async def _research(self, answer: Answer, query: str) -> AsyncGenerator[AnswerEvent]:
        with answer.watch.stage("retrieve"):
            retrieved, likely = await self._retrieve_and_recall(answer, query)
        abstained = abstention(retrieved, answer.bot.abstain)
        sources = () if abstained else choose_sources(retrieved.found, answer.bot.retrieval, self._writers.count_tokens)
        if (hit := self._cache.agreed(answer, likely, sources)) is not None:
            for event in _tell_again(answer, query, hit):
                yield event
            return
        answer.outcome.sources = _sources_event(answer, query, retrieved, sources)
        yield answer.outcome.sources
        if abstained is not None:
            answer.outcome.abstained = abstained
            answer.outcome.finish_reason = FinishReason.ABSTAINED
            yield abstained
            return
        async with aclosing(self._write(answer, query, sources)) as events:
            async for event in events:
                yield event

    async def _retrieve_and_recall(self, answer: Answer, query: str) -> tuple[Retrieved, Hit | None]:
        """Both at once: the look-up by meaning embeds the question too, and nobody should wait for it twice."""
        recalling = asyncio.create_task(self._cache.likely(answer))
        try:
            return await self._retrieve(answer, query), await recalling
        finally:
            recalling.cancel()

    async def _retrieve(self, answer: Answer, query: str) -> Retrieved:
        bot = answer.bot
        limit = bot.retrieval.max_chunks * FOUND_PER_SOURCE
        question = Question(answer.asked.tenant_id, query, bot.knowledge_base_ids, bot.retrieval, limit)
        retrieved = await self._retriever.retrieve(question, bot.abstain)
        answer.used.embedding_tokens = retrieved.embedding_tokens
        answer.used.reranked = retrieved.reranked
        if retrieved.warnings:
            answer.memory.key = None  # Of a search that lacked something no answer is kept.
        return retrieved

    async def _write(self, answer: Answer, query: str, sources: Sequence[Source]) -> AsyncGenerator[Delta | Cited]:
        answer.writer = writer = CitationWriter(sources)
        async with aclosing(await self._writers.write(answer, query, sources)) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        _mark_first_token(answer)
                        for piece in _gather(answer, writer.feed(text)):
                            yield piece
                    case ModelUsage():
                        self._writers.settle_tokens(answer, event)
                    case ModelFinished(reason):
                        answer.outcome.finish_reason = FinishReason(reason)
                    case _:
                        assert_never(event)


def _tell_again(answer: Answer, query: str, hit: Hit) -> Iterator[SourcesFound | Delta | Cited]:
    """A stored answer with its sources and citations, as the events of this one."""
    answer.memory.hit = hit
    answer.writer = retelling = Retelling(hit.stored)
    answer.outcome.sources = SourcesFound(query, hit.stored.sources, {})
    yield answer.outcome.sources
    _mark_first_token(answer)
    yield from _gather(answer, retelling.tell())
    answer.outcome.finish_reason = FinishReason.STOP


def _gather(answer: Answer, pieces: Iterable[Delta | Cited]) -> list[Delta | Cited]:
    """Keep the citations of pieces that are about to be sent."""
    sent = list(pieces)
    answer.outcome.citations += tuple(piece for piece in sent if isinstance(piece, Cited))
    return sent


def _mark_first_token(answer: Answer) -> None:
    if answer.first_token_ms is None:
        answer.first_token_ms = answer.watch.elapsed_ms()
        FIRST_TOKEN_SECONDS.observe(answer.first_token_ms / 1000)


def _sources_event(answer: Answer, query: str, retrieved: Retrieved, sources: Sequence[Source]) -> SourcesFound:
    return SourcesFound(
        query=query,
        sources=tuple(source.view() for source in sources),
        timings_ms=retrieved.timings_ms,
        trace=trace_of(answer, query, retrieved, sources) if answer.debug else None,
    )


def _report(answer: Answer) -> None:
    """One line for each answer, with every stage's milliseconds; never its text."""
    outcome = answer.outcome
    ANSWERS.labels(finish_reason=outcome.finish_reason.value).inc()
    log.info(
        "answer.finished",
        message_id=str(answer.begun.message_id),
        bot_id=str(answer.bot.id),
        model=answer.bot.model,
        finish_reason=outcome.finish_reason.value,
        code=None if outcome.error is None else outcome.error.code,
        citations=len(outcome.citations),
        **({} if outcome.metered is None else {f"{name}_ms": ms for name, ms in outcome.metered.timings_ms.items()}),
    )
