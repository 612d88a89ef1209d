"""Keyset pages over UUIDv7 ids: stable under inserts, and as fast on the last page as on the first."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlmodel.sql.expression import SelectOfScalar

from app.kit.database import Session
from app.kit.errors import Invalid

Row = TypeVar("Row")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many rows are asked for, and after which one to go on."""

    limit: int = DEFAULT_LIMIT
    after: UUID | None = None

    @classmethod
    def parse(cls, limit: int, cursor: str | None) -> "PageRequest":
        """Raises Invalid when the limit is out of bounds or the cursor is not one of ours."""
        if not 1 <= limit <= MAX_LIMIT:
            raise Invalid.field("limit", f"must lie between 1 and {MAX_LIMIT}")
        return cls(limit, decode_cursor(cursor) if cursor is not None else None)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in order, and the cursor that continues after them (None on the last page)."""

    rows: Sequence[Row]
    next_cursor: str | None


async def paginate(
    session: Session, query: SelectOfScalar[Row], key: Any, page: PageRequest, *, newest_first: bool = True
) -> Page[Row]:
    """Run ``query`` ordered by ``key`` (a column of UUIDv7 ids), one page of it."""
    if page.after is not None:
        query = query.where(key < page.after if newest_first else key > page.after)
    query = query.order_by(key.desc() if newest_first else key).limit(page.limit + 1)
    rows = (await session.exec(query)).all()
    if len(rows) <= page.limit:
        return Page(rows, None)
    shown = rows[: page.limit]
    return Page(shown, encode_cursor(getattr(shown[-1], key.key)))


def encode_cursor(after: UUID) -> str:
    """An opaque cursor that stands for an id."""
    return base64.urlsafe_b64encode(after.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    """The id a cursor stands for. Raises Invalid for anything we did not make."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==")
        parsed = UUID(bytes=raw)
    except (ValueError, binascii.Error, UnicodeEncodeError) as fault:
        raise Invalid.field("cursor", "is not a cursor this API gave out; leave it out to start again") from fault
    if encode_cursor(parsed) != cursor:
        raise Invalid.field("cursor", "is not a cursor this API gave out; leave it out to start again")
    return parsed
