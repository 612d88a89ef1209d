"""One answer while it is being written: everything gathered on the way, in one mutable place that one task owns."""

from dataclasses import dataclass, field

from app.adapters.llm.port import ChatTurn
from app.bots.service import BotProfile
from app.chat.cache.retelling import Retelling
from app.chat.cache.values import Memory
from app.chat.citations import CitationWriter
from app.chat.conversation import Asked, Begun, Outcome
from app.kit.clock import Stopwatch
from app.retrieval.evidence import RerankUse
from app.usage.traffic import NO_PLACE, Place


@dataclass(slots=True)
class Used:
    """Tokens so far, those of embeddings by model; ``estimated`` says whether any of them was guessed."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    embedding_tokens: dict[str, int] = field(default_factory=dict[str, int])
    reranked: RerankUse | None = None
    estimated: bool = False


@dataclass(slots=True)
class Answer:
    """One answer. ``sent_turns`` are what the model was sent, for estimating when it does not report its use."""

    asked: Asked
    begun: Begun
    bot: BotProfile
    request_id: str
    debug: bool = False
    use_cache: bool = True
    outcome: Outcome = field(default_factory=Outcome)
    used: Used = field(default_factory=Used)
    watch: Stopwatch = field(default_factory=Stopwatch)
    writer: CitationWriter | Retelling = field(default_factory=lambda: CitationWriter(()))
    memory: Memory = field(default_factory=Memory)
    sent_turns: tuple[ChatTurn, ...] = ()
    reported: bool = False
    first_token_ms: float | None = None
    place: Place = NO_PLACE
    """The tenant's right to one more answer at a time, given back when this one ends."""
