"""The ledger: usage events are only ever added, and telling one twice adds it once.

Adding an event moves the month's running sum, ends the reservation of the answer it belongs to, and tells the tenant
when a limit comes near; all in the transaction of whoever adds it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite

from app.events.service import Recorder
from app.kit.clock import now
from app.kit.database import Session
from app.kit.ids import new_id
from app.usage.limits import load_limits
from app.usage.models import UsageEvent, UsageKind
from app.usage.months import MonthUse, add_use
from app.usage.notices import tell_month
from app.usage.prices import Price, PriceTable
from app.usage.reservations import settle

ANSWERS: Final = frozenset({UsageKind.CHAT, UsageKind.CACHE_HIT})
"""The kinds of which every answer leaves exactly one."""
LIMITED: Final = frozenset({UsageKind.CHAT, UsageKind.RERANK})
"""The kinds whose tokens count towards the monthly limit; what embedding costs counts in money only."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a model, before it is priced. ``once`` names the use itself, so that a repeat is recognised."""

    once: str
    kind: UsageKind
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    embedding_tokens: int = 0
    estimated: bool = False
    bot_id: UUID | None = None
    chat_id: UUID | None = None
    message_id: UUID | None = None
    run_id: UUID | None = None
    token_id: UUID | None = None
    end_user: str | None = None


class Ledger:
    """Prices uses and writes them down, inside whatever transaction they belong to."""

    def __init__(self, prices: PriceTable, recorder: Recorder) -> None:
        self._prices = prices
        self._recorder = recorder

    def cost_of(self, use: Use) -> tuple[Decimal, Price]:
        """What a use costs in US dollars, and the price that says so."""
        return self.price(use.model, use.kind, use.prompt_tokens + use.embedding_tokens, use.completion_tokens)

    def price(self, model: str, kind: UsageKind, prompt_tokens: int, completion_tokens: int) -> tuple[Decimal, Price]:
        """What tokens of a model cost, to the picodollar that is stored, and its price; a cache hit costs nothing."""
        price = self._prices.price_of(model)
        cost = Decimal(0) if kind is UsageKind.CACHE_HIT else price.cost(prompt_tokens, completion_tokens)
        return cost, price

    async def write(self, session: Session, tenant_id: UUID, use: Use, *, saved_usd: Decimal = Decimal(0)) -> Decimal:
        """Add the event unless it stands there already; its cost in US dollars."""
        cost, price = self.cost_of(use)
        moment = now()
        if use.kind in ANSWERS and use.message_id is not None:
            await settle(session, tenant_id, use.message_id)
        if await _add(session, tenant_id, use, moment, cost, saved_usd, price):
            await self._sum_up(session, tenant_id, use, moment, cost)
        return cost

    async def record_embedding(  # One parameter for each fact of the event.
        self, session: Session, tenant_id: UUID, model: str, tokens: int, estimated: bool, run_id: UUID, once: str
    ) -> None:
        """Write down what embedding a batch of a run used."""
        use = Use(once, UsageKind.EMBEDDING, model, embedding_tokens=tokens, estimated=estimated, run_id=run_id)
        await self.write(session, tenant_id, use)

    async def _sum_up(self, session: Session, tenant_id: UUID, use: Use, moment: datetime, cost: Decimal) -> None:
        tokens = use.prompt_tokens + use.completion_tokens if use.kind in LIMITED else 0
        if not tokens and not cost:
            return
        used = await add_use(session, tenant_id, moment, MonthUse(tokens, cost))
        limits = await load_limits(session, tenant_id)
        if limits.monthly:
            await tell_month(session, self._recorder, tenant_id, limits, used)


async def _add(  # One parameter for each fact of the event.
    session: Session, tenant_id: UUID, use: Use, moment: datetime, cost: Decimal, saved_usd: Decimal, price: Price
) -> bool:
    """Whether the event was not there yet."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {
        "id": new_id(),
        "tenant_id": tenant_id,
        "created_at": moment,
        "cost_usd": cost,
        "saved_usd": saved_usd,
        "price": price.snapshot(),
        "price_known": price.known,
        **{name: getattr(use, name) for name in Use.__dataclass_fields__},
    }
    return (await session.exec(insert(UsageEvent).values(**values).on_conflict_do_nothing())).rowcount == 1
