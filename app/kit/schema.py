"""The base of everything that crosses the wire, and the field types the contract shares."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

from app.kit.clock import to_wire
from app.kit.text import is_printable_name

_TIME = WithJsonSchema({"type": "string", "format": "date-time", "pattern": "Z$"})
_DECIMAL = WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["0.000125"]})

Moment = Annotated[datetime, PlainSerializer(to_wire, return_type=str, when_used="json"), _TIME]
"""A time: ISO 8601 in UTC, ending in ``Z``."""


def money_to_wire(amount: Decimal) -> str:
    """Dollars as a plain decimal string without an exponent or trailing zeros: ``"0.000125"``, ``"0"``."""
    plain = format(amount.normalize(), "f")
    return "0" if plain in {"-0", ""} else plain


Money = Annotated[Decimal, PlainSerializer(money_to_wire, return_type=str, when_used="json"), _DECIMAL]
"""US dollars, as a decimal string."""


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not hold NUL characters")
    return text


NoNul = AfterValidator(_without_nul)
"""Refuses U+0000, which PostgreSQL keeps neither in text nor in JSON."""


def _printable(text: str) -> str:
    if not is_printable_name(text):
        raise ValueError("must not hold control characters")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
"""What people call a thing: 1 to 200 characters, no control characters."""

Description = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_printable)]
"""A sentence or two about a thing: at most 2,000 characters."""

ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=512), AfterValidator(_printable)]
"""A name the client's own system gives a thing."""

_Word = Annotated[str, NoNul]
MetadataValue = _Word | int | float | bool | list[_Word]
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)], MetadataValue],
    Field(max_length=50),
]
"""Up to 50 flat values by which searches can filter."""


class Schema(BaseModel):
    """What a client sends or sees. Unknown fields are refused, so a typing error never passes in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_enum_values=False)


class Draft(Schema):
    """A change to a thing: fields that are left out stay as they are."""

    def changes(self) -> dict[str, Any]:
        """The fields the client named, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Ident(Schema):
    """A thing's id and nothing else."""

    id: UUID
