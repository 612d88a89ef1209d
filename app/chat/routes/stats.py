"""``/v1/stats``: the dashboard's figures, and the questions the documents could not answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from app.chat.stats import Day, Latencies, by_day, count_answers, count_contents, latencies
from app.chat.stats_schemas import (
    ContentView,
    DayView,
    LatencyView,
    MonthView,
    QuantilesView,
    StatsView,
    UnansweredList,
    UnansweredView,
)
from app.chat.unanswered import list_unanswered
from app.http.access import needs
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.clock import now
from app.kit.database import Database
from app.kit.paging import PageRequest
from app.usage.reports import Sums, this_month
from app.usage.schemas import QuotaLimits
from app.usage.standing import Standing, standing_of

TAGS = ["Usage"]
DAYS = 30
"""How far the dashboard looks back."""


@get("/v1/stats", guards=[needs(Scope.USAGE)], tags=TAGS, responses=problems(401, 403))
async def stats(principal: NamedDependency[Principal], database: NamedDependency[Database]) -> StatsView:
    """Contents, this month, the last day's latencies, and the last thirty days."""
    tenant_id, moment = principal.tenant, now()
    async with database.reading(tenant_id) as session:
        documents, chunks, sources = await count_contents(session, tenant_id)
        standing = await standing_of(session, tenant_id)
        fast = await latencies(session, tenant_id, moment - timedelta(days=1))
        answers = await count_answers(session, tenant_id, this_month(moment))
        today = moment.date()
        first = min(today - timedelta(days=DAYS - 1), today.replace(day=1))
        days = await by_day(session, tenant_id, first, today)
    return StatsView(
        content=ContentView(
            documents=documents, chunks=chunks, sources=dict(sources), storage_bytes=standing.storage_bytes
        ),
        month=_month_view([day for day in days if day.day >= today.replace(day=1)], answers, standing),
        limits=QuotaLimits(**asdict(standing.limits)),
        latency=_latency_view(fast),
        days=[_day_view(day) for day in days[-DAYS:]],
    )


@get("/v1/stats/unanswered", guards=[needs(Scope.USAGE)], tags=TAGS, responses=problems(401, 403, 422))
async def unanswered(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> UnansweredList:
    """Questions your documents can't answer, the one asked last first; the same question counts once."""
    page = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        found = await list_unanswered(session, principal.tenant, page)
    items = [UnansweredView.model_validate(asdict(question)) for question in found.rows]
    return UnansweredList(items=items, next_cursor=found.next_cursor)


def _month_view(days: Sequence[Day], answers: Mapping[str, int], standing: Standing) -> MonthView:
    sums = sum((day.sums for day in days), Sums())
    return MonthView(
        questions=sum(day.questions for day in days),
        answers=dict(answers),
        cache_hits=sums.cache_hits,
        saved_usd=sums.saved_usd,
        tokens=standing.month.tokens,
        cost_usd=standing.month.cost_usd,
    )


def _latency_view(fast: Latencies) -> LatencyView:
    return LatencyView(
        answers=fast.answers,
        first_token_ms=QuantilesView(**asdict(fast.first_token_ms)),
        total_ms=QuantilesView(**asdict(fast.total_ms)),
    )


def _day_view(day: Day) -> DayView:
    sums = asdict(day.sums)
    del sums["requests"], sums["unpriced"]
    return DayView(day=day.day, questions=day.questions, abstained=day.abstained, **sums)


ROUTES = (stats, unanswered)
