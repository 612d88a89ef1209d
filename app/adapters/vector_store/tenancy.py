"""The only place where a query to a vector index comes from. Nothing here can be called without a tenant.

Drivers accept a ``TenantFilter`` and nothing else; the only function that makes one is ``tenant_filter``, and its
first clause is the tenant. Points of different tenants cannot collide either: a point's id is its chunk's id combined
with the tenant's, so that nobody can overwrite what is not theirs.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from app.adapters.vector_store.conditions import (
    AnyOf,
    Equals,
    MetadataCondition,
    MetadataScalar,
    Range,
    bounds_of,
)
from app.adapters.vector_store.port import Point, SearchScope
from app.kit.errors import Invalid

TENANT = "tenant_id"
KEYWORDS = ("knowledge_base_id", "document_id", "version_id")
"""The payload fields, beside the tenant, that are indexed."""
_METADATA = "metadata"
_FLAGS = "flags"  # Truth values, as words, apart from the rest: the embedded index cannot match a bare one.

PayloadValue = str | int | float | list[str | int | float]
Payload = dict[str, str | dict[str, PayloadValue]]


@dataclass(frozen=True, slots=True)
class IsIn:
    """A payload field holds one of some words."""

    key: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """A payload field lies within bounds, named ``gte``, ``gt``, ``lte``, ``lt``: of numbers or else of times."""

    key: str
    numbers: Mapping[str, float]
    times: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of some clauses holds."""

    clauses: tuple[IsIn | Within, ...]


Clause = IsIn | Within | Either


@dataclass(frozen=True, slots=True)
class TenantFilter:
    """Clauses that must all hold; the first one names the tenant."""

    clauses: tuple[Clause, ...]

    @property
    def impossible(self) -> bool:
        """Whether a clause offers no choice at all. Not to be asked: engines take an empty choice for none made."""
        return any(
            (isinstance(clause, IsIn) and not clause.words) or (isinstance(clause, Either) and not clause.clauses)
            for clause in self.clauses
        )


def tenant_filter(
    tenant_id: UUID,
    scope: SearchScope | None = None,
    *,
    document_id: UUID | None = None,
    version_id: UUID | None = None,
    knowledge_base_id: UUID | None = None,
) -> TenantFilter:
    """What of this tenant's is meant; raises ``Invalid`` for a condition that cannot be put."""
    clauses: list[Clause] = [IsIn(TENANT, (str(tenant_id),))]
    if scope is not None:
        clauses.append(IsIn("knowledge_base_id", tuple(str(each) for each in scope.knowledge_base_ids)))
        clauses += [_clause(condition) for condition in scope.metadata]
    named = {"knowledge_base_id": knowledge_base_id, "document_id": document_id, "version_id": version_id}
    clauses += [IsIn(key, (str(value),)) for key, value in named.items() if value is not None]
    return TenantFilter(tuple(clauses))


def point_id(tenant_id: UUID, chunk_id: UUID) -> UUID:
    """The id under which a chunk is stored."""
    return UUID(int=chunk_id.int ^ _mask(tenant_id))


def chunk_id_of(tenant_id: UUID, stored: UUID) -> UUID:
    """The chunk behind a stored id: the same combination undoes itself."""
    return UUID(int=stored.int ^ _mask(tenant_id))


def payload_of(tenant_id: UUID, point: Point) -> Payload:
    """What is stored beside a point's vectors. No text: SQL has it."""
    plain: dict[str, PayloadValue] = {}
    flags: dict[str, PayloadValue] = {}
    for field, value in point.metadata.items():
        values = value if isinstance(value, tuple) else (value,)
        if words := [_word(each) for each in values if isinstance(each, bool)]:
            flags[field] = list(words)
        if rest := [each for each in values if not isinstance(each, bool)]:
            plain[field] = rest if isinstance(value, tuple) else rest[0]
    return {
        TENANT: str(tenant_id),
        "knowledge_base_id": str(point.knowledge_base_id),
        "document_id": str(point.document_id),
        "version_id": str(point.version_id),
        _METADATA: plain,
        _FLAGS: flags,
    }


@lru_cache(maxsize=1024)
def _mask(tenant_id: UUID) -> int:
    return int.from_bytes(hashlib.sha256(tenant_id.bytes).digest()[:16])


def _clause(condition: MetadataCondition) -> Clause:
    match condition.test:
        case Equals(value):
            return _equals(condition.field, value)
        case AnyOf(values):
            if values and all(isinstance(value, str) for value in values):
                return IsIn(_path(_METADATA, condition.field), tuple(str(value) for value in values))
            return Either(tuple(_equals(condition.field, value) for value in values))
        case Range():
            numbers, times = bounds_of(condition.field, condition.test)
            return Within(_path(_METADATA, condition.field), numbers, times)


def _equals(field: str, value: MetadataScalar) -> IsIn | Within:
    if isinstance(value, bool):
        return IsIn(_path(_FLAGS, field), (_word(value),))
    if isinstance(value, str):
        return IsIn(_path(_METADATA, field), (value,))
    numbers, times = bounds_of(field, Range(gte=value, lte=value))
    return Within(_path(_METADATA, field), numbers, times)


def _path(group: str, field: str) -> str:
    # Quoted, so that a dot or a bracket in a field's name is part of the name and not a step into it.
    if not field or '"' in field or "\\" in field:
        raise Invalid.field("filter.metadata", "A field's name must not be empty nor hold quotes or backslashes.")
    return f'{group}."{field}"'


def _word(value: bool) -> str:
    return "true" if value else "false"
