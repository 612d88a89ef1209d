"""May this answer, or this search, begin? Asked before anything is stored, so that a refusal is a plain 429.

answer   month used up? → requests of the last minute, answers at once → … begin → reserve (same transaction)
search   requests of the last minute → month used up? (only where the search would cost something)
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit.clock import now
from app.kit.database import Database, Session
from app.usage.ledger import Ledger
from app.usage.limits import load_limits
from app.usage.models import UsageKind
from app.usage.months import MonthUse, month_use
from app.usage.reservations import require_left, reserve
from app.usage.traffic import NO_PLACE, Place, Subject, Traffic

SLACK_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """That an answer may begin: its place, and whether something of the month must be set aside for it."""

    place: Place = NO_PLACE
    reserves: bool = True


class Admission:
    """The one door that every answer and every search goes through, whatever protocol it came by."""

    def __init__(self, database: Database, traffic: Traffic, ledger: Ledger, longest_answer_s: float) -> None:
        self._database = database
        self._traffic = traffic
        self._ledger = ledger
        self._life = timedelta(seconds=2 * longest_answer_s + SLACK_S)  # A rewriting may take as long before it.

    async def admit_answer(self, tenant_id: UUID) -> Admitted:
        """Count a question and hold a place for its answer; release it when the answer has ended.

        Raises RateLimited, TooManyStreams and QuotaExceeded.
        """
        async with self._database.reading(tenant_id) as session:
            limits = await load_limits(session, tenant_id)
            if limits.monthly:
                require_left(limits, await month_use(session, tenant_id, now()), now())
        return Admitted(await self._traffic.enter(Subject(tenant_id), limits, answers=True), limits.monthly)

    async def admit_search(self, tenant_id: UUID, costs_something: Callable[[Session], Awaitable[bool]]) -> None:
        """Count a search. Raises RateLimited, and QuotaExceeded for one that would cost more of what is used up."""
        async with self._database.reading(tenant_id) as session:
            limits = await load_limits(session, tenant_id)
            if limits.monthly and await costs_something(session):
                require_left(limits, await month_use(session, tenant_id, now()), now())
        await self._traffic.enter(Subject(tenant_id), limits, answers=False)

    async def reserve(
        self, session: Session, tenant_id: UUID, answer_id: UUID, model: str, prompt: int, completion: int
    ) -> None:
        """Set aside the most an answer may use, in the transaction that stores its question. Raises QuotaExceeded.

        ``prompt`` and ``completion`` are tokens. The answer's usage event gives back what was set aside.
        """
        most = MonthUse(prompt + completion, self._ledger.price(model, UsageKind.CHAT, prompt, completion)[0])
        await reserve(session, tenant_id, answer_id, most, self._life)
