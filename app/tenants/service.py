"""Tenants themselves. What founding and erasing one means to every other slice is ``TenantLifecycle``'s."""

from uuid import UUID

from sqlmodel import col, select

from app.kit.database import Session
from app.kit.errors import NotFound
from app.kit.paging import Page, PageRequest, paginate
from app.tenants.freshness import Freshness
from app.tenants.models import Tenant


async def create_tenant(session: Session, name: str) -> Tenant:
    """A new tenant that owns nothing yet."""
    tenant = Tenant(name=name)
    session.add(tenant)
    await session.flush()
    return tenant


async def get_tenant(session: Session, tenant_id: UUID) -> Tenant:
    """The tenant. Raises NotFound."""
    tenant = await session.get(Tenant, tenant_id)
    if tenant is None:
        raise NotFound("There is no tenant with this id.")
    return tenant


async def list_tenants(session: Session, page: PageRequest) -> Page[Tenant]:
    """All tenants of the installation, newest first; for the operator only."""
    return await paginate(session, select(Tenant), col(Tenant.id), page)


async def rename_tenant(session: Session, tenant_id: UUID, name: str) -> Tenant:
    """Give the tenant another name. Raises NotFound."""
    tenant = await get_tenant(session, tenant_id)
    tenant.name = name
    return tenant


async def remove_tenant(session: Session, tenant_id: UUID, freshness: Freshness) -> None:
    """Delete the tenant's row, and with it, by cascade, every row it owns; its tokens stop working at once.

    Raises NotFound. What lies outside of SQL must have been erased before.
    """
    await session.delete(await get_tenant(session, tenant_id))
    session.after_commit(lambda: freshness.renew(tenant_id))
