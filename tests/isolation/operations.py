"""How every operation of the API is called: read from the OpenAPI document, with the little it cannot say beside it.

A route that is not known here stops the walk: whoever adds one says how it is called and what it needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.isolation.world import World
from tests.support.house import House

MALFORMED = "not-an-id"
PLATFORM = {"list_tenants", "get_tenant", "change_tenant", "erase_tenant", "replace_quota"}
OPEN = {"health_live", "health_ready", "metrics", "login", "create_tenant"}
ANYBODY = {"get_me", "logout", "list_models"}
"""What any token of a tenant may call, whatever its scopes."""

SCOPES: dict[str, set[str]] = {
    "admin": {
        "change_bot", "change_credential", "change_knowledge_base", "change_user", "create_bot",
        "create_credential", "create_knowledge_base", "create_token", "create_user", "delete_bot",
        "delete_credential", "delete_knowledge_base", "delete_user", "get_credential", "list_credentials",
        "list_tokens", "list_users", "revoke_token",
    },
    "ingest": {
        "activate_document_version", "cancel_run", "change_source", "create_source", "deactivate_document",
        "delete_document", "delete_source", "follow_run", "get_knowledge_base", "get_run", "get_source",
        "ingest_source", "list_events", "list_knowledge_bases", "list_runs", "list_sources", "retry_run",
    },
    "ingest search": {
        "get_document", "get_document_file", "get_document_text", "list_document_chunks", "list_document_versions",
        "list_documents",
    },
    "search": {
        "search",
    },
    "chat": {
        "cancel_message", "chat", "create_completion", "create_embeddings", "delete_chat", "follow_message",
        "get_bot", "get_bot_as_model", "get_chat", "give_feedback", "list_bots_as_models", "list_chats",
        "list_messages",
    },
    "chat search": {
        "list_bots",
    },
    "usage": {
        "cache_stats", "quota", "stats", "unanswered", "usage", "usage_events",
    },
}  # fmt: skip

BODIES: dict[str, dict[str, Any]] = {
    "create_user": {"email": "{fresh}@example.com", "password": "correct horse"},
    "change_user": {"role": "owner"},
    "create_token": {"name": "Made", "scopes": ["search"]},
    "create_credential": {"name": "{fresh}", "provider": "openai", "api_key": "sk-made"},
    "change_credential": {"name": "{fresh}"},
    "create_knowledge_base": {"name": "{fresh}"},
    "change_knowledge_base": {"description": "Changed"},
    "change_source": {"title": "Changed"},
    "change_tenant": {"name": "Changed"},
    "create_source": {"type": "text", "title": "Made", "content": "The text of {fresh}."},
    "create_bot": {"name": "Made"},
    "change_bot": {"name": "Changed"},
    "search": {"query": "How many days of leave?"},
    "chat": {"message": "How many days of leave?", "stream": False},
    "give_feedback": {"rating": "up"},
    "replace_quota": {"requests_per_minute": 5},
    "create_completion": {"model": "{bot_id}", "messages": [{"role": "user", "content": "How many days of leave?"}]},
    "create_embeddings": {"model": "local/granite-embedding-30m-english", "input": "leave"},
}
"""The smallest good body of each operation that takes one."""

BESIDE: dict[str, dict[str, Any]] = {
    "retrieval.rerank": {"model": "cohere/rerank-v3.5"},
    "rerank": {"model": "cohere/rerank-v3.5"},
    "embedding_models": {"model": "openai/text-embedding-3-small"},
}
"""What an object must hold beside an id, by its place in a body."""

MORE_IDS = {"create_completion": ("model",)}
"""Places that take an id without being named for one."""

KIND = {"model": "bot_id", "knowledge_base_ids": "knowledge_base_id", "bot_ids": "bot_id"}
"""What sort of id a place takes, where its name is another."""

NOT_IDS_OF_OURS = {"end_user.id"}
"""Names that clients give their own things."""


@dataclass(frozen=True)
class Operation:
    """One method of one path. ``id_fields`` are the places in its body that take an id, dotted, with [] for lists."""

    id: str
    method: str
    path: str
    path_ids: tuple[str, ...]
    query_ids: tuple[str, ...]
    id_fields: tuple[str, ...]
    has_body: bool

    @property
    def scopes(self) -> set[str]:
        """Any of these opens it; ``KeyError`` for an operation nobody thought about."""
        for scopes, operations in SCOPES.items():
            if self.id in operations:
                return set(scopes.split())
        raise KeyError(f"{self.method} {self.path} ({self.id}) is new: say in SCOPES what it needs")

    def body(self, ids: dict[str, str], place: str | None = None, value: str = "") -> dict[str, Any] | None:
        """The smallest good body of a tenant with these ids, with ``value`` at ``place`` where one is given."""
        if not self.has_body:
            return None
        if self.id not in BODIES:
            raise KeyError(f"{self.method} {self.path} ({self.id}) is new: say in BODIES what it takes")
        fresh = uuid4().hex
        body = {
            name: text.replace("{fresh}", fresh).replace("{bot_id}", ids["bot_id"]) if isinstance(text, str) else text
            for name, text in BODIES[self.id].items()
        }
        return body if place is None else _placed(body, place.split("."), value, "")

    async def call(self, house: House, headers: dict[str, str], ids: dict[str, str], **options: Any) -> httpx.Response:
        """Call it; ``options`` go to the client, ``json`` being the smallest good body unless it is given."""
        path = self.path.format(**{name: ids[KIND.get(name, name)] for name in self.path_ids})
        if "content" not in options:
            options.setdefault("json", self.body(ids))
        return await house.client.request(self.method, path, headers=headers, **options)


def _placed(body: dict[str, Any], place: list[str], value: str, above: str) -> dict[str, Any]:
    name, rest = place[0], place[1:]
    plain = name.removesuffix("[]")
    here = f"{above}.{plain}".strip(".")
    inner: Any = value if not rest else _placed(dict(BESIDE.get(here, {})), rest, value, here)
    return {**body, plain: [inner] if name.endswith("[]") else inner}


async def every_operation(house: House) -> list[Operation]:
    """All operations, in an order in which those that destroy come last, and what stands on others before them."""
    document = (await house.client.get("/schema/openapi.json")).json()
    found = [
        _operation(document, method, path, spec)
        for path, item in document["paths"].items()
        for method, spec in item.items()
        if "responses" in spec
    ]
    return sorted(found, key=lambda operation: (operation.method == "DELETE", _weight(operation), operation.id))


def _weight(operation: Operation) -> int:
    last = ["delete_source", "delete_bot", "delete_knowledge_base"]
    return last.index(operation.id) + 1 if operation.id in last else 0


def _operation(document: dict[str, Any], method: str, path: str, spec: dict[str, Any]) -> Operation:
    parameters = spec.get("parameters", [])
    contents = spec.get("requestBody", {}).get("content", {})
    schema = contents.get("application/json", {}).get("schema")
    places = sorted(set(_id_places(document, schema, ""))) if schema else []
    return Operation(
        id=spec["operationId"],
        method=method.upper(),
        path=path,
        path_ids=tuple(one["name"] for one in parameters if one["in"] == "path"),
        query_ids=tuple(one["name"] for one in parameters if one["in"] == "query" and _is_id(one["name"])),
        id_fields=(
            *(place for place in places if place not in NOT_IDS_OF_OURS),
            *MORE_IDS.get(spec["operationId"], ()),
        ),
        has_body=bool(contents),
    )


def _is_id(name: str) -> bool:
    return name == "id" or (name.endswith(("_id", "_ids")) and name not in {"external_id", "last_event_id"})


def _id_places(document: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
    for form in _forms(document, schema):
        if form.get("type") == "array":
            yield from _id_places(document, form["items"], f"{place}[]")
        for name, field in form.get("properties", {}).items():
            inner = f"{place}.{name}".strip(".")
            if _is_id(name):
                yield f"{inner}[]" if name.endswith("_ids") else inner
            else:
                yield from _id_places(document, field, inner)


def _forms(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    yield schema
    for choice in choices:
        yield from _forms(document, choice)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def kind_of(place: str) -> str:
    """What sort of id a place in a body takes."""
    name = place.rsplit(".", 1)[-1].removesuffix("[]")
    return KIND.get(name, name)


def mixed(operation: Operation, own: World, other: dict[str, str]) -> Iterator[dict[str, str]]:
    """The path's ids with each one in turn, and then all of them, taken from ``other``."""
    for name in operation.path_ids:
        kind = KIND.get(name, name)
        yield {**own.ids, kind: other[kind]}
    if len(operation.path_ids) > 1:
        yield other
