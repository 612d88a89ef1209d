"""The ledger: every sum is the sum of its events, on both databases, to the picodollar."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.ids import derived_id, new_id
from app.usage.ledger import Use
from app.usage.models import UsageEvent, UsageKind
from tests.support.house import House, Office

BOTS = [derived_id("bot", n) for n in range(2)]
TOKENS = [derived_id("token", n) for n in range(2)]
COUNTED = ("prompt_tokens", "completion_tokens", "embedding_tokens")
MODELS = ["openai/gpt-4o-mini", "openai/scripted", "acme/unheard-of", "local/granite", "extractive"]
GROUPS = {"day": "day", "bot": "bot_id", "model": "model", "token": "token_id", "kind": "kind"}

tokens = st.integers(min_value=0, max_value=10**9)
uses = st.builds(
    Use,
    once=st.sampled_from([f"use {n}" for n in range(12)]),  # So few that some are told twice.
    kind=st.sampled_from(UsageKind),
    model=st.sampled_from(MODELS),
    prompt_tokens=tokens,
    completion_tokens=tokens,
    embedding_tokens=tokens,
    bot_id=st.none() | st.sampled_from(BOTS),
    token_id=st.none() | st.sampled_from(TOKENS),
)
saved = st.decimals(min_value=0, max_value=1, places=12)


async def write(house: House, tenant_id: UUID, lines: Sequence[tuple[Use, Decimal]]) -> None:
    for use, saved_usd in lines:
        async with house.runtime.database.transaction(tenant_id) as session:
            await house.runtime.ledger.write(session, tenant_id, use, saved_usd=saved_usd)


async def all_events(office: Office) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 7}
    while True:
        page = await office.get("/v1/usage/events", **query)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


def summed(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def money(name: str) -> Decimal:
        return sum((Decimal(event[name]) for event in events), Decimal(0))

    hits = sum(event["kind"] == "cache_hit" for event in events)
    return {
        "requests": sum(event["kind"] == "chat" for event in events) + hits,
        **{name: sum(event[name] for event in events) for name in COUNTED},
        "cost_usd": money("cost_usd"),
        "cache_hits": hits,
        "saved_usd": money("saved_usd"),
        "unpriced": sum(not event["price"]["known"] for event in events),
    }


def exact(sums: dict[str, Any]) -> dict[str, Any]:
    money = {name: Decimal(sums[name]) for name in ("cost_usd", "saved_usd")}
    assert all(isinstance(sums[name], str) for name in money)
    return {**{name: sums[name] for name in summed([])}, **money}


@given(lines=st.lists(st.tuples(uses, saved), max_size=16))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_report_and_the_month_equal_the_sum_of_events(
    priced_house: House, lines: list[tuple[Use, Decimal]]
) -> None:
    office = await priced_house.tenant()
    await write(priced_house, UUID(office.id), lines)
    events = await all_events(office)
    assert len(events) == len({use.once for use, _ in lines})
    for group_by, field in GROUPS.items():
        report = await office.get("/v1/usage", group_by=group_by)
        key = (lambda event: event["created_at"][:10]) if group_by == "day" else (lambda event: event[field])  # noqa: B023
        assert {item[field] for item in report["items"]} == {key(event) for event in events}
        for item in report["items"]:
            assert exact(item) == summed([event for event in events if key(event) == item[field]])
        assert exact(report["total"]) == summed(events)
    used = (await office.get("/v1/quota"))["used"]
    limited = [event for event in events if event["kind"] in ("chat", "rerank")]
    assert used["monthly_tokens"] == sum(event["prompt_tokens"] + event["completion_tokens"] for event in limited)
    assert Decimal(used["monthly_cost_usd"]) == summed(events)["cost_usd"]


async def test_two_hundred_writes_at_once_lose_nothing(priced_house: House) -> None:
    office = await priced_house.tenant()
    tenant_id = UUID(office.id)
    lines = [(Use(f"use {n % 190}", UsageKind.CHAT, "scripted", 3, 2), Decimal(0)) for n in range(200)]
    await asyncio.gather(*(write(priced_house, tenant_id, [line]) for line in lines))
    total = (await office.get("/v1/usage", group_by="kind"))["total"]
    assert (total["requests"], total["prompt_tokens"], total["completion_tokens"]) == (190, 570, 380)
    assert total["cost_usd"] == "0.00171"  # 190 × (3 × 0.000001 + 2 × 0.000003)
    used = (await office.get("/v1/quota"))["used"]
    assert (used["monthly_tokens"], used["monthly_cost_usd"]) == (950, "0.00171")


async def test_a_write_that_is_rolled_back_leaves_no_trace_in_the_sum(priced_house: House) -> None:
    office = await priced_house.tenant()
    tenant_id = UUID(office.id)
    use = Use("lost", UsageKind.CHAT, "scripted", 100, 100)
    with suppress(asyncio.CancelledError):
        async with priced_house.runtime.database.transaction(tenant_id) as session:
            await priced_house.runtime.ledger.write(session, tenant_id, use)
            raise asyncio.CancelledError
    assert (await office.get("/v1/quota"))["used"]["monthly_tokens"] == 0
    assert await all_events(office) == []


async def test_days_are_utc_and_periods_are_half_open(any_house: House) -> None:
    office = await any_house.tenant()
    midnight = datetime(2026, 3, 29, tzinfo=UTC)  # Clocks change in Europe that day; UTC does not care.
    moments = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=23, minutes=59)]
    async with any_house.runtime.database.transaction(UUID(office.id)) as session:
        for number, moment in enumerate(moments):
            session.add(
                UsageEvent(
                    tenant_id=UUID(office.id),
                    once=str(new_id()),
                    kind=UsageKind.CHAT,
                    model="scripted",
                    prompt_tokens=10**number,
                    cost_usd=Decimal("0.1"),
                    created_at=moment,
                )
            )

    async def days(start: str, end: str) -> dict[str, int]:
        report = await office.get("/v1/usage", **{"from": start, "to": end})
        return {item["day"]: item["prompt_tokens"] for item in report["items"]}

    assert await days("2026-03-01", "2026-04-01") == {"2026-03-28": 1, "2026-03-29": 110}
    assert await days("2026-03-29", "2026-03-30") == {"2026-03-29": 110}
    assert await days("2026-03-28", "2026-03-29") == {"2026-03-28": 1}
    assert await days("2026-03-29T00:00:00Z", "2026-03-29T23:59:00Z") == {"2026-03-29": 10}
    assert await days("2026-03-29T02:00:00+02:00", "2026-03-29T00:00:00.000001Z") == {"2026-03-29": 10}
    assert await days("2026-03-29", "2026-03-29") == {}
    whole = await office.get("/v1/usage", **{"from": "2026-03-01", "to": "2026-04-01"})
    assert whole["total"]["cost_usd"] == "0.3"  # As floats it would be 0.30000000000000004.
    for bad in ({"from": "yesterday"}, {"from": "2026-04-01", "to": "2026-03-01"}, {"group_by": "colour"}):
        assert (await office.call("GET", "/v1/usage", params=bad)).status_code == 422, bad
