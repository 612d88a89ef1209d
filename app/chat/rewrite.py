"""A follow-up question becomes one that can be searched by itself.

Skipped without history. A chat model rewrites where the bot has one; when it fails, or there is none, a rule does:
a question that points back, or is very short, is searched together with the question before it.
"""

import re
from collections.abc import Sequence
from contextlib import aclosing

import structlog

from app.adapters.llm.port import Completion, LanguageModel, ModelUsage, TextDelta
from app.chat.prompt import PastTurn, rewrite_turns
from app.kit.errors import AppError
from app.kit.metrics import FAILED_OPEN
from app.kit.models import ModelEndpoint
from app.kit.words import content_words

MAX_CHARS = 1000
_POINTS_BACK = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|his|her|one|ones|there|then|same|former|latter|also|else)\b"
    r"|^(and|but|or|so|what about|how about|why|and if)\b",
    re.IGNORECASE,
)
_SHORT = 3

log = structlog.get_logger(__name__)


async def rewrite(
    question: str, history: Sequence[PastTurn], model: LanguageModel, endpoint: ModelEndpoint
) -> tuple[str, ModelUsage | None]:
    """The standalone question, and what asking the model for it used. Never raises for the model's sake."""
    pieces: list[str] = []
    used: ModelUsage | None = None
    completion = Completion(endpoint, rewrite_turns(history, question), temperature=0, max_tokens=200)
    try:
        async with aclosing(model.stream(completion)) as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    pieces.append(event.text)
                elif isinstance(event, ModelUsage):
                    used = event
    except AppError as fault:
        FAILED_OPEN.labels(step="rewrite").inc()
        log.warning("rewrite.failed_open", code=fault.code, detail=fault.detail)
        return rewrite_by_rule(question, history), used
    rewritten = " ".join("".join(pieces).split()).strip("\"'“”")
    if not rewritten or len(rewritten) > MAX_CHARS:
        return rewrite_by_rule(question, history), used
    return rewritten, used


def rewrite_by_rule(question: str, history: Sequence[PastTurn]) -> str:
    """The question as it is, or behind the one before it when it leans on that."""
    if not history or not leans_back(question):
        return question
    return f"{history[-1].question} {question}"[-MAX_CHARS:]


def leans_back(question: str) -> bool:
    """Whether a question cannot stand alone: it points back, or holds hardly a word of its own."""
    return bool(_POINTS_BACK.search(question)) or len(content_words(question)) < _SHORT
