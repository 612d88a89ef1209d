"""What a searcher may ask of a document's metadata."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from app.kit.errors import Invalid

MetadataScalar = str | int | float | bool
MetadataValue = MetadataScalar | tuple[MetadataScalar, ...]
"""One value, or several of which any may satisfy a condition. Dates are ISO 8601 strings."""


@dataclass(frozen=True, slots=True)
class Equals:
    """The value, or one of the values, is this one; numbers are compared as numbers (3 equals 3.0)."""

    value: MetadataScalar


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The value, or one of the values, is among these. Among none there is nothing."""

    values: tuple[MetadataScalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The value lies within bounds: all numbers, or all ISO 8601 dates or times (UTC where they name no zone)."""

    gte: float | str | None = None
    gt: float | str | None = None
    lte: float | str | None = None
    lt: float | str | None = None


@dataclass(frozen=True, slots=True)
class MetadataCondition:
    """A test on one metadata field; a document without the field fails it."""

    field: str
    test: Equals | AnyOf | Range


def bounds_of(field: str, test: Range) -> tuple[dict[str, float], dict[str, str]]:
    """A range's bounds as numbers or as UTC times, one of the two empty; raises ``Invalid`` for a mixture or none."""
    given = {"gte": test.gte, "gt": test.gt, "lte": test.lte, "lt": test.lt}
    numbers = {name: float(bound) for name, bound in given.items() if isinstance(bound, int | float)}
    times = {name: _utc(field, bound) for name, bound in given.items() if isinstance(bound, str)}
    if bool(numbers) == bool(times) or not all(math.isfinite(number) for number in numbers.values()):
        raise Invalid.field(f"filter.metadata.{field}", "Give at least one bound, either all numbers or all dates.")
    return numbers, times


def _utc(field: str, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid.field(f"filter.metadata.{field}", "This is not an ISO 8601 date or time.") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat()
