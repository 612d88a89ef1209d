"""Prices: the operator's word first, then the shipped table, and an honest shrug for the rest."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.usage.prices import FREE, UNKNOWN, PriceTable
from tests.support.house import House
from tests.support.provider import ScriptedProvider
from tests.usage.support import a_mill, ask


async def a_table(folder: Path, prices: Any) -> PriceTable:
    file = folder / "prices.json"
    file.write_text(prices if isinstance(prices, str) else json.dumps(prices))
    table = PriceTable(file)
    await table.load()
    return table


async def test_the_operators_prices_win_under_either_name(tmp_path: Path) -> None:
    table = await a_table(
        tmp_path,
        {
            "gpt-4o-mini": {"input_cost_per_token": 1e-9, "output_cost_per_token": "2e-9"},
            "ollama/llama3": {"input_cost_per_token": 0.1},
        },
    )
    assert table.price_of("openai/gpt-4o-mini").cost(10, 10) == Decimal("0.00000003")
    assert table.price_of("ollama/llama3").cost(3, 99) == Decimal("0.3")
    assert table.price_of("openai/gpt-4o").known
    assert table.price_of("openai/gpt-4o").input_usd > 0


async def test_what_runs_here_is_free_and_what_nobody_knows_is_unknown() -> None:
    table = PriceTable()
    await table.load()
    assert table.price_of("extractive") == table.price_of("local/granite") == table.price_of("ollama/llama3") == FREE
    assert table.price_of("acme/unheard-of") == UNKNOWN
    assert UNKNOWN.snapshot() == {"input_usd": "0", "output_usd": "0", "known": False}


@pytest.mark.parametrize(
    "broken",
    [
        "not json",
        "[1, 2]",
        '{"m": 3}',
        '{"m": {"input_cost": 1}}',
        '{"m": {"input_cost_per_token": "free"}}',
        '{"m": {"input_cost_per_token": -1}}',
        '{"m": {"output_cost_per_token": NaN}}',
        '{"m": {"output_cost_per_token": true}}',
    ],
)
async def test_an_unsound_file_is_named_at_the_start(tmp_path: Path, broken: str) -> None:
    with pytest.raises(ValueError, match=r"MINIRAG_PRICES_FILE .*prices\.json"):
        await a_table(tmp_path, broken)


async def test_a_missing_file_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="MINIRAG_PRICES_FILE"):
        await PriceTable(tmp_path / "nothing.json").load()


async def test_an_event_keeps_the_price_it_was_charged_at(priced_house: House, provider: ScriptedProvider) -> None:
    office, bot = await a_mill(priced_house, provider)
    usage = (await ask(office, bot)).json()["usage"]
    (line,) = [line for line in (await office.get("/v1/usage/events"))["items"] if line["kind"] == "chat"]
    assert line["price"] == {"input_usd": "0.000001", "output_usd": "0.000003", "known": True}
    expected = usage["prompt_tokens"] * Decimal("0.000001") + usage["completion_tokens"] * Decimal("0.000003")
    assert Decimal(line["cost_usd"]) == Decimal(usage["cost_usd"]) == expected > 0


async def test_a_model_without_a_price_costs_nothing_and_says_so(house: House, provider: ScriptedProvider) -> None:
    office, bot = await a_mill(house, provider)
    assert (await ask(office, bot)).json()["usage"]["cost_usd"] == "0"
    (line,) = [line for line in (await office.get("/v1/usage/events"))["items"] if line["kind"] == "chat"]
    assert line["price"]["known"] is False
    report = await office.get("/v1/usage", group_by="model")
    assert {item["model"]: item["unpriced"] for item in report["items"] if item["requests"]} == {"openai/scripted": 1}
    assert report["total"]["unpriced"] == 1
