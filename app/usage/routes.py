"""``/v1/usage`` and ``/v1/quota``: what was used, what it cost, and how much may be used."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Annotated

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlmodel import col

from app.events.service import Recorder
from app.http.access import needs, needs_platform
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.database import Database
from app.kit.errors import Invalid
from app.kit.ids import parse_id
from app.kit.ownership import owned_by
from app.kit.paging import PageRequest, paginate
from app.tenants.service import get_tenant
from app.usage.limits import Limits, replace_limits
from app.usage.models import UsageEvent
from app.usage.reports import FIELD, GroupBy, Period, Sums, this_month, usage_by
from app.usage.schemas import (
    QuotaLimits,
    QuotaUsed,
    QuotaView,
    UsageEventList,
    UsageEventView,
    UsageGroup,
    UsageReport,
    UsageSums,
)
from app.usage.standing import Standing, standing_of, tell_standing
from app.usage.traffic import Subject, Traffic

TAGS = ["Usage"]


@get("/v1/usage", guards=[needs(Scope.USAGE)], tags=TAGS, responses=problems(401, 403, 422))
async def usage(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    start: Annotated[str | None, QueryParameter(name="from")] = None,
    end: Annotated[str | None, QueryParameter(name="to")] = None,
    group_by: FromQuery[GroupBy] = "day",
) -> UsageReport:
    """Use by day, bot, model, token or kind; the current month unless ``from`` and ``to`` say otherwise."""
    period = _period(start, end)
    async with database.reading(principal.tenant) as session:
        groups = await usage_by(session, principal.tenant, period, group_by)
    items = [UsageGroup.model_validate({FIELD[group_by]: group.key, **asdict(group.sums)}) for group in groups]
    total = sum((group.sums for group in groups), Sums())
    return UsageReport(items=items, total=UsageSums(**asdict(total)))


@get("/v1/usage/events", guards=[needs(Scope.USAGE)], tags=TAGS, responses=problems(401, 403, 422))
async def usage_events(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> UsageEventList:
    """The ledger itself, newest first."""
    async with database.reading(principal.tenant) as session:
        query = owned_by(principal.tenant, UsageEvent)
        page = await paginate(session, query, col(UsageEvent.id), PageRequest.parse(limit, cursor))
    items = [
        UsageEventView.model_validate(row.model_dump(exclude={"tenant_id", "once", "price_known"})) for row in page.rows
    ]
    return UsageEventList(items=items, next_cursor=page.next_cursor)


@get("/v1/quota", guards=[needs(Scope.USAGE)], tags=TAGS, responses=problems(401, 403))
async def quota(
    principal: NamedDependency[Principal], database: NamedDependency[Database], traffic: NamedDependency[Traffic]
) -> QuotaView:
    """Limits and present use; a month is a calendar month in UTC."""
    async with database.reading(principal.tenant) as session:
        standing = await standing_of(session, principal.tenant)
    return _quota_view(standing, await traffic.in_progress(Subject(principal.tenant)))


@put(
    "/v1/tenants/{tenant_id:str}/quota",
    guards=[needs_platform],
    tags=["Platform"],
    summary="Set what a tenant may use",
    responses=problems(400, 401, 403, 404, 413, 415, 422),
)
async def replace_quota(
    tenant_id: FromPath[str],
    data: JSONBody[QuotaLimits],
    database: NamedDependency[Database],
    recorder: NamedDependency[Recorder],
    traffic: NamedDependency[Traffic],
) -> QuotaView:
    """All limits at once: null, or left out, is unlimited. They hold from the next request on."""
    found_id = parse_id(tenant_id)
    async with database.transaction(found_id) as session:
        await get_tenant(session, found_id)
        await replace_limits(session, found_id, Limits(**data.model_dump()))
        standing = await standing_of(session, found_id)
        await tell_standing(session, recorder, found_id, standing)
    return _quota_view(standing, await traffic.in_progress(Subject(found_id)))


def _quota_view(standing: Standing, in_progress: int) -> QuotaView:
    used = QuotaUsed(
        monthly_tokens=standing.month.tokens,
        monthly_cost_usd=standing.month.cost_usd,
        storage_bytes=standing.storage_bytes,
        concurrent_streams=in_progress,
    )
    return QuotaView(limits=QuotaLimits(**asdict(standing.limits)), used=used)


def _period(start: str | None, end: str | None) -> Period:
    month = this_month()
    period = Period(
        month.start if start is None else _moment("from", start), month.end if end is None else _moment("to", end)
    )
    if period.start > period.end:
        raise Invalid.field("from", "must not lie after 'to'")
    return period


def _moment(path: str, text: str) -> datetime:
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), time(), tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise Invalid.field(path, "must be a date (2026-01-31) or a time in ISO 8601") from fault


ROUTES = (usage, usage_events, quota, replace_quota)
