"""What a token costs, from a table that travels with the installation and that an operator may override.

The table is the one LiteLLM bundles (read as a file, without importing the library): US dollars per token. A model
nobody knows costs nothing, and its usage events say ``"known": false`` so that nobody mistakes that for a fact.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

TABLE = "model_prices_and_context_window_backup.json"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per token in each direction, and whether anybody knows them."""

    input_usd: Decimal = Decimal(0)
    output_usd: Decimal = Decimal(0)
    known: bool = True

    def cost(self, prompt_tokens: int, completion_tokens: int = 0) -> Decimal:
        """What a call costs, in US dollars, to the picodollar: what is finer is not kept, so it is not told either."""
        return (self.input_usd * prompt_tokens + self.output_usd * completion_tokens).quantize(PICODOLLAR)

    def snapshot(self) -> dict[str, Any]:
        """The price as it stands in a usage event, so that a later change rewrites no history."""
        return {
            "input_usd": format(self.input_usd, "f"),
            "output_usd": format(self.output_usd, "f"),
            "known": self.known,
        }


PICODOLLAR = Decimal(1).scaleb(-12)

Table = Mapping[str, Mapping[str, Any]]

FREE_OF_CHARGE = ("local/", "ollama/", "ollama_chat/", "onnx:")
FREE = Price()
UNKNOWN = Price(known=False)


class PriceTable:
    """Prices by LiteLLM model string. Loading parses a large file and happens once, in a thread."""

    def __init__(self, overrides: Path | None = None) -> None:
        self._file = overrides
        self._overrides: Mapping[str, Price] = {}
        self._bundled: Mapping[str, Price] = {}

    async def load(self) -> None:
        """Read the tables. Raises ValueError with the file's name when the operator's own one is not sound."""
        if self._file is not None:
            self._overrides = await asyncio.to_thread(_read_overrides, self._file)
        self._bundled = await asyncio.to_thread(_read_bundled)

    def price_of(self, model: str) -> Price:
        """The price of a model, by its full name or without the provider: the operator's word, else ours.

        What runs here is free unless the operator says otherwise.
        """
        names = (model, model.partition("/")[2])
        own = _first(self._overrides, names)
        if own is not None:
            return own
        if model == "extractive" or model.startswith(FREE_OF_CHARGE):
            return FREE
        return _first(self._bundled, names) or UNKNOWN


def _first(table: Mapping[str, Price], names: tuple[str, ...]) -> Price | None:
    return next((table[name] for name in names if name in table), None)


def _read_bundled() -> dict[str, Price]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    table = json.loads((Path(spec.origin).parent / TABLE).read_bytes(), parse_float=Decimal)
    return {model: _price(entry) for model, entry in cast(Table, table).items() if _is_priced(entry)}


def _read_overrides(file: Path) -> dict[str, Price]:
    try:
        table = cast(Table, json.loads(file.read_bytes(), parse_float=Decimal))
        unpriced = [model for model, entry in table.items() if not _is_priced(entry)]
        if unpriced:
            raise ValueError(f"'{unpriced[0]}' has neither input_cost_per_token nor output_cost_per_token")
        return {model: _price(entry) for model, entry in table.items()}
    except (OSError, ValueError, ArithmeticError, AttributeError, TypeError) as fault:
        raise ValueError(f"MINIRAG_PRICES_FILE ({file}) cannot be read: {fault}") from fault


def _is_priced(entry: Mapping[str, Any]) -> bool:
    return "input_cost_per_token" in entry or "output_cost_per_token" in entry


def _price(entry: Mapping[str, Any]) -> Price:
    return Price(_usd(entry.get("input_cost_per_token")), _usd(entry.get("output_cost_per_token")))


def _usd(value: object) -> Decimal:
    if value is None:
        return Decimal(0)
    amount = Decimal(str(value))
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{value} is not a price")
    return amount
