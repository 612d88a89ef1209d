"""Identifiers: UUIDv7 (RFC 9562), so that sorting by id is sorting by time of creation."""

from uuid import UUID, uuid5

import uuid_utils.compat

from app.kit.errors import NotFound

_NAMESPACE = UUID("6d1f0b86-52a1-5d6c-9a53-1f1f3f6c2b9e")


def new_id() -> UUID:
    """A fresh UUIDv7, increasing within this process even inside one millisecond."""
    return uuid_utils.compat.uuid7()


def derived_id(*parts: str | int | UUID) -> UUID:
    """A UUIDv5 that is the same for the same parts, for things that must overwrite themselves when made again."""
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))


def parse_id(text: str) -> UUID:
    """The id that ``text`` spells in canonical form.

    Raises NotFound for anything else: a malformed id names nothing, and must look like an unknown one.
    """
    try:
        parsed = UUID(text)
    except ValueError as fault:
        raise NotFound("There is nothing with this id.") from fault
    if str(parsed) != text.lower():
        raise NotFound("There is nothing with this id.")
    return parsed
