"""Schemas exactly as Pydantic checks them.

The framework's own drafts lose constraints inside lists and optional fields, take a bounded object for an array, and
say ``oneOf`` where an integer is a number too. Everything that crosses the wire is a ``Schema``, and Pydantic knows
those best.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from app.kit.schema import Draft, Schema

_REF = "#/components/schemas/{model}"

Part = dict[str, Any]


def exact(document: Part) -> Part:
    """The document with the schema of every ``Schema`` class replaced by Pydantic's own; changes it in place."""
    drafted: Part = document["components"]["schemas"]
    classes = {kind.__name__: kind for kind in _descendants(Schema) if kind.__name__ in drafted}
    asked = [(name, "validation", TypeAdapter[Any](kind)) for name, kind in sorted(classes.items())]
    _, made = TypeAdapter.json_schemas(asked, ref_template=_REF)  # pyright: ignore[reportArgumentType]  # "validation" is the literal it wants.
    schemas: Part = made.get("$defs", {})
    for name, kind in classes.items():
        _finish(schemas[name], is_change=issubclass(kind, Draft))
    document["components"]["schemas"] = dict(sorted({**drafted, **schemas}.items()))
    return document


def _descendants(kind: type[Schema]) -> Iterator[type[Schema]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _finish(schema: Part, *, is_change: bool) -> None:
    """Say that ids are ids; and that a change has no defaults: what is left out stays as it is."""
    for name, field in schema.get("properties", {}).items():
        field.pop("title", None)
        if is_change:
            field.pop("default", None)
        if is_id(name):
            _mark_ids(field)


def is_id(name: str) -> bool:
    """Whether a field of this name holds an id of ours, or several."""
    return name == "id" or (name.endswith(("_id", "_ids")) and name not in {"external_id", "request_id"})


def _mark_ids(field: Part) -> None:
    for form in (field, *field.get("anyOf", ())):
        text = form.get("items", form)
        if text.get("type") == "string" and not text.keys() & {"format", "maxLength", "enum", "description"}:
            text["format"] = "uuid"
