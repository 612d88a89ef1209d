"""What travels between the cache and the answering flow."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from uuid import UUID

from app.chat.events import Cited, SourceView


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer that was given before, as it was shown, and what it cost in US dollars."""

    question: str
    text: str
    sources: tuple[SourceView, ...]
    citations: tuple[Cited, ...]
    cost_usd: Decimal

    @property
    def cited(self) -> frozenset[UUID]:
        """The chunks it rests on."""
        return frozenset(citation.chunk_id for citation in self.citations)


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored answer that may stand for a new one; ``similarity`` of the questions, 1 where they are the same."""

    stored: Stored
    type: Literal["exact", "semantic"]
    similarity: float


@dataclass(frozen=True, slots=True)
class Keeping:
    """An answer to keep: where, under which key, for how many seconds, and what it would save each time."""

    partition: str
    key: str
    question: str
    vector: bytes | None
    ttl_s: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Trial:
    """What shadow mode saw: a hit that was not served, and whether it would have been wrong."""

    similarity: float
    would_err: bool


@dataclass(slots=True)
class Memory:
    """What one answer in the making knows of the cache.

    ``question`` is the one that stands alone, None where there is none; ``key`` is where the answer will be kept, None
    where it must not be; ``alone`` says that it answers ``question`` and nothing said before.
    """

    partition: str = ""
    question: str | None = None
    key: str | None = None
    alone: bool = False
    vector: bytes | None = None
    hit: Hit | None = None
    rival: Hit | None = None
    """What shadow mode compares the fresh answer with."""


@dataclass(slots=True)
class Afterwards:
    """What to write down with an answer's end."""

    keeping: Keeping | None = None
    trial: Trial | None = None
    saved_usd: Decimal = field(default_factory=Decimal)
