"""``/v1/tenants``: the operator's view of who uses this installation, and the door by which one begins."""

from collections.abc import Sequence
from typing import cast

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from app.http.access import OPEN, Connection, needs_platform
from app.http.docs import problems
from app.http.principal import PrincipalKind
from app.kit.database import EVERY_TENANT, Database
from app.kit.errors import Forbidden, Unauthenticated
from app.kit.ids import parse_id
from app.kit.paging import DEFAULT_LIMIT, PageRequest
from app.kit.passwords import Passwords
from app.settings import Settings
from app.tenants import service
from app.tenants.lifecycle import Founded, OwnerDraft, TenantLifecycle
from app.tenants.models import Tenant
from app.tenants.schemas.tenants import FirstToken, NewTenant, TenantChange, TenantFounded, TenantPage, TenantView
from app.tenants.users import normal_email

TAGS = ["Platform"]


async def may_found(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard: the admin key, or anybody where the installation is open for sign-up.

    It runs before the body is read, so that nobody without the right learns what a body should look like. Guards
    are not injected into; it asks the provider that gives handlers their settings.
    """
    settings = cast(Settings, await handler.resolve_dependencies()["settings"]())
    if settings.open_signup or connection.user.kind is PrincipalKind.PLATFORM:
        return
    if connection.user.kind is PrincipalKind.ANONYMOUS:
        raise Unauthenticated("Making a tenant needs the platform's admin key here.")
    raise Forbidden("Making a tenant needs the platform's admin key; a tenant's own token cannot.")


@post(
    "/v1/tenants",
    guards=[may_found],
    opt={OPEN: True},
    operation_id="create_tenant",
    summary="Make a tenant with a token, a knowledge base and a bot",
    tags=TAGS,
    responses=problems(400, 401, 403, 409, 413, 415, 422),
)
async def create_tenant(
    data: JSONBody[NewTenant], lifecycle: NamedDependency[TenantLifecycle], passwords: NamedDependency[Passwords]
) -> TenantFounded:
    """The token is shown this once."""
    owner = None
    if data.owner is not None:
        hashed = await passwords.hash(data.owner.password)
        owner = OwnerDraft(normal_email(data.owner.email), hashed)
    return founded_view(await lifecycle.found(data.name, owner))


@get(
    "/v1/tenants",
    guards=[needs_platform],
    operation_id="list_tenants",
    summary="List all tenants",
    tags=TAGS,
    responses=problems(401, 403, 422),
)
async def list_tenants(
    database: NamedDependency[Database],
    limit: FromQuery[int] = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> TenantPage:
    """Newest first."""
    page = PageRequest.parse(limit, cursor)
    async with database.reading(EVERY_TENANT) as session:
        found = await service.list_tenants(session, page)
    return TenantPage(items=[tenant_view(tenant) for tenant in found.rows], next_cursor=found.next_cursor)


@get(
    "/v1/tenants/{tenant_id:str}",
    guards=[needs_platform],
    operation_id="get_tenant",
    summary="Show a tenant",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def get_tenant(tenant_id: FromPath[str], database: NamedDependency[Database]) -> TenantView:
    """One tenant."""
    async with database.reading(EVERY_TENANT) as session:
        return tenant_view(await service.get_tenant(session, parse_id(tenant_id)))


@patch(
    "/v1/tenants/{tenant_id:str}",
    guards=[needs_platform],
    operation_id="change_tenant",
    summary="Rename a tenant",
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 413, 415, 422),
)
async def change_tenant(
    tenant_id: FromPath[str], data: JSONBody[TenantChange], database: NamedDependency[Database]
) -> TenantView:
    """What is left out stays as it is."""
    found_id = parse_id(tenant_id)
    async with database.transaction(found_id) as session:
        tenant = await service.get_tenant(session, found_id)
        if data.name is not None:
            tenant = await service.rename_tenant(session, found_id, data.name)
        return tenant_view(tenant)


@delete(
    "/v1/tenants/{tenant_id:str}",
    guards=[needs_platform],
    status_code=200,
    operation_id="erase_tenant",
    summary="Erase a tenant and everything it owns",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def erase_tenant(tenant_id: FromPath[str], lifecycle: NamedDependency[TenantLifecycle]) -> dict[str, int]:
    """Vectors, files and caches included; the receipt counts what is gone."""
    return dict(await lifecycle.erase(parse_id(tenant_id)))


def tenant_view(tenant: Tenant) -> TenantView:
    """The tenant as the API shows it."""
    return TenantView(id=tenant.id, name=tenant.name, created_at=tenant.created_at)


def founded_view(founded: Founded) -> TenantFounded:
    """The new tenant as the API shows it, its token in the clear."""
    token = FirstToken(id=founded.api_token_id, token=founded.api_token, scopes=list(founded.scopes))
    return TenantFounded(
        tenant=tenant_view(founded.tenant),
        api_token=token,
        knowledge_base_id=founded.knowledge_base_id,
        bot_id=founded.bot_id,
    )


ROUTES: Sequence[HTTPRouteHandler] = (create_tenant, list_tenants, get_tenant, change_tenant, erase_tenant)
