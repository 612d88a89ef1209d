"""The application's wall between tenants: the only way to build a query over tenant-owned tables.

``owned_by`` takes the tenant first and cannot be called without one. A lint (``tools/lint_ownership.py``) finds any
``select``, ``update`` or ``delete`` over a tenant-owned model elsewhere; a deliberate one says why, in a comment
``# unowned: <reason>``. PostgreSQL's row-level security can repeat the same rule underneath, because every
transaction knows its tenant too.
"""

from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, Update, and_, delete, func, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.kit.columns import TenantOwned
from app.kit.database import Session
from app.kit.errors import NotFound

Owned = TypeVar("Owned", bound=TenantOwned)


def owned_by(tenant_id: UUID, model: type[Owned]) -> SelectOfScalar[Owned]:
    """Select rows of ``model`` that belong to ``tenant_id``."""
    return select(model).where(is_owned(tenant_id, model))


def owned_columns(tenant_id: UUID, model: type[TenantOwned], *columns: Any) -> Any:
    """Select ``columns`` (or expressions) from ``model``, only from the tenant's rows."""
    chosen = cast(Any, select(*columns))  # Its type depends on the number of columns, which is the caller's.
    return chosen.select_from(model).where(is_owned(tenant_id, model))


def owned_update(tenant_id: UUID, model: type[TenantOwned]) -> Update:
    """Update rows of ``model`` that belong to ``tenant_id``."""
    return update(model).where(is_owned(tenant_id, model))


def owned_delete(tenant_id: UUID, model: type[TenantOwned]) -> Delete:
    """Delete rows of ``model`` that belong to ``tenant_id``."""
    return delete(model).where(is_owned(tenant_id, model))


def is_owned(tenant_id: UUID, *models: type[TenantOwned]) -> ColumnElement[bool]:
    """The condition itself, for joins: every named model's row belongs to ``tenant_id``."""
    return and_(*(col(model.tenant_id) == tenant_id for model in models))


async def get_owned(session: Session, tenant_id: UUID, model: type[Owned], row_id: UUID) -> Owned:
    """The tenant's row with this id. Raises NotFound when there is none or it is another tenant's."""
    row = (await session.exec(owned_by(tenant_id, model).where(col(model.id) == row_id))).first()
    if row is None:
        raise NotFound(f"There is no {singular(model)} with this id.")
    return row


async def count_owned(session: Session, tenant_id: UUID, model: type[TenantOwned], *conditions: Any) -> int:
    """How many rows of ``model`` the tenant has that meet all ``conditions``."""
    query = owned_columns(tenant_id, model, func.count()).where(*conditions)
    return int(cast(Any, await session.exec(query)).one())


def singular(model: type[TenantOwned]) -> str:
    """The model's name as people say it: ``knowledge base`` for ``KnowledgeBase``."""
    name = model.__name__
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
