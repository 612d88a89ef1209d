"""JSON objects of the API, as they came: commands show what is there and do without what is not."""

from typing import Any, cast

Record = dict[str, Any]
"""A JSON object."""


def part(record: Record | None, name: str) -> Record:
    """The object under ``name``; an empty one where there is none."""
    found = record.get(name) if record else None
    return cast("Record", found) if isinstance(found, dict) else {}


def parts(record: Record | None, name: str) -> list[Record]:
    """The objects listed under ``name``; an empty list where there are none."""
    found = record.get(name) if record else None
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Record", item) for item in listed if isinstance(item, dict)]
