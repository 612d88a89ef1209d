"""Column types and table manners shared by every slice's models.

The naming convention is set on import, before any model exists: an unnamed constraint cannot be dropped again on
SQLite. Types are chosen so that one Alembic chain serves SQLite and PostgreSQL alike.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlmodel import Field, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from app.kit.clock import now
from app.kit.ids import new_id

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

PICO_PER_USD = 10**12

JSON_DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
"""A JSON value. It must be assigned anew to be saved: changes inside it are not seen."""


class Usd(sa.types.TypeDecorator[Decimal]):
    """An exact amount of US dollars, stored as an integer of picodollars (10⁻¹² USD).

    SQLite would keep a NUMERIC as a float; an integer sums exactly on both databases, to ±9.2 million dollars.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:
        """Dollars to picodollars; what is finer than a picodollar is rounded."""
        return None if value is None else int((value * PICO_PER_USD).to_integral_value())

    def process_result_value(self, value: int | Decimal | None, dialect: sa.Dialect) -> Decimal | None:
        """Picodollars to dollars."""
        return None if value is None else Decimal(int(value)) / PICO_PER_USD


def enum_column(kind: type[StrEnum], length: int = 16) -> sa.Enum:
    """Text with a check constraint, storing the member's value: native enums are painful to change."""
    return sa.Enum(
        kind,
        native_enum=False,
        length=length,
        values_callable=_values,
        create_constraint=True,
        name=kind.__name__.lower(),
        validate_strings=True,
    )


def _values(members: type[StrEnum]) -> list[str]:
    return [member.value for member in members]


def id_field() -> Any:
    """A UUIDv7 primary key."""
    return Field(default_factory=new_id, primary_key=True)


def tenant_field(*, primary_key: bool = False) -> Any:
    """The owner of the row; every tenant-owned table has it, and deleting the tenant deletes the row."""
    return Field(foreign_key="tenants.id", ondelete="CASCADE", index=not primary_key, primary_key=primary_key)


def time_field(*, index: bool = False) -> Any:
    """A moment set when the row is made."""
    return Field(default_factory=now, sa_type=UTCDateTime, index=index)


def optional_time_field(*, index: bool = False) -> Any:
    """A moment that may not have come yet."""
    return Field(default=None, sa_type=UTCDateTime, nullable=True, index=index)


def json_field(*, nullable: bool = False) -> Any:
    """A JSON value: an empty object unless ``nullable``, then NULL."""
    if nullable:
        return Field(default=None, sa_type=JSON_DOCUMENT, nullable=True)
    return Field(default_factory=dict, sa_type=JSON_DOCUMENT, nullable=False)


def big_integer_field() -> Any:
    """A count that may pass two thousand million: bytes, tokens."""
    return Field(default=0, sa_type=sa.BigInteger, nullable=False)


class TenantOwned(SQLModel):
    """Base of every table whose rows belong to one tenant; ``kit/ownership.py`` is the way to read them."""

    id: UUID = id_field()
    tenant_id: UUID = tenant_field()
    created_at: datetime = time_field()
