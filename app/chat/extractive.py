"""The embedded answerer: it never writes, it quotes.

From the sources it picks the sentences (and table rows) that support the question best: the share of the question's
words they hold, each word weighted by how rare it is among the sources, together with their dense similarity to the
question; then leaves out what says the same again. It needs no key and cannot be talked into anything, because no
text it reads is ever taken as an instruction.
"""

import math
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from app.adapters.embedder.port import Embedder
from app.adapters.llm.port import ModelEvent, ModelFinished, ModelUsage, TextDelta
from app.chat.context import Source
from app.chat.passages import Passage, as_sentence, passages
from app.kit.errors import AppError
from app.kit.models import ModelEndpoint
from app.kit.words import content_words

OPENING = "From the documents, word for word:"
LOOKED_AT = 24
"""Sentences compared densely, after the lexical ranking: each costs about a millisecond."""
QUOTED = 3
NEAR_BEST = 0.7
"""A further quote must score at least this share of the best one."""
SAME = 0.6
"""Two sentences that share this much of their words (Jaccard) say the same."""
MIN_WORDS = 3
FRAGMENT = 0.5
ENDINGS = (".", "!", "?", "…", ";", ":", "。", "！", "？")


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a source, ready to be quoted."""

    n: int
    text: str
    words: frozenset[str]
    score: float


class ExtractiveAnswerer:
    """Answers with quoted sentences of the sources."""

    def __init__(self, embedder: Embedder, endpoint: ModelEndpoint) -> None:
        self._embedder = embedder
        self._endpoint = endpoint

    async def answer(self, question: str, sources: Sequence[Source]) -> AsyncGenerator[ModelEvent]:
        """The answer as a model would stream it, with ``[n]`` markers; it uses no tokens."""
        quotes = await self.pick(question, sources)
        yield TextDelta(OPENING)  # Said aloud, so that nobody takes a quotation for an opinion.
        for quote in quotes:
            yield TextDelta(f"\n\n> “{quote.text}”")
            yield TextDelta(f" [{quote.n}]")
        yield ModelUsage(0, 0)
        yield ModelFinished("stop")

    async def pick(self, question: str, sources: Sequence[Source]) -> list[Quote]:
        """The best quotes, best first, no two saying the same; at least one where there is any text."""
        ranked = sorted(lexical(question, sources), key=lambda quote: (-quote.score, quote.n))[:LOOKED_AT]
        ranked = await self._with_similarity(question, ranked)
        chosen: list[Quote] = []
        for quote in ranked:
            if len(chosen) == QUOTED or (chosen and quote.score < chosen[0].score * NEAR_BEST):
                break
            if all(_likeness(quote.words, other.words) < SAME for other in chosen):
                chosen.append(quote)
        return chosen

    async def _with_similarity(self, question: str, quotes: list[Quote]) -> list[Quote]:
        """Scores of words and of meaning, half and half; of words alone where the embedder is not to be had."""
        if not quotes:
            return quotes
        try:
            asked = await self._embedder.embed(self._endpoint, [question], "query")
            offered = await self._embedder.embed(self._endpoint, [quote.text for quote in quotes], "document")
        except AppError:
            return quotes
        cosines = [float(value) for value in offered.vectors @ asked.vectors[0]]
        low, high = min(cosines), max(cosines)
        best = max(quote.score for quote in quotes) or 1.0
        scored = [
            Quote(
                quote.n,
                quote.text,
                quote.words,
                0.5 * quote.score / best + 0.5 * ((cosine - low) / (high - low) if high > low else 1.0),
            )
            for quote, cosine in zip(quotes, cosines, strict=True)
        ]
        return sorted(scored, key=lambda quote: (-quote.score, quote.n))


def lexical(question: str, sources: Sequence[Source]) -> list[Quote]:
    """Every passage of the sources, scored by the question's words it holds, rare words counting more."""
    found = [
        (source.n, passage, content_words(f"{passage.header} {passage.text}"))
        for source in sources
        for passage in passages(source.text, source.prefix)
        if len(passage.text.split()) >= MIN_WORDS and not _is_rule(passage.text)
    ]
    frequency = Counter(word for _, _, words in found for word in words)
    asked = content_words(question)
    weight = {word: math.log(1 + len(found) / (1 + frequency[word])) for word in asked}
    total = sum(weight.values()) or 1.0
    return [
        Quote(n, as_sentence(passage), words, _weight(passage) * sum(weight[word] for word in asked & words) / total)
        for n, passage, words in found
    ]


def _weight(passage: Passage) -> float:
    """Headings and fragments name a thing without saying anything about it; a header row likewise."""
    if passage.is_row:
        return 1.0 if passage.header else FRAGMENT
    return 1.0 if passage.text.rstrip("\"'”’)*_").endswith(ENDINGS) else FRAGMENT


def _is_rule(text: str) -> bool:
    """The line of dashes under a table's header."""
    return set(text) <= set("|-: ")


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0
