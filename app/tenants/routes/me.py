"""``GET /v1/me``: what a token is, for whoever holds it."""

from collections.abc import Sequence

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from sqlmodel import col

from app.http.docs import problems
from app.http.principal import Principal, PrincipalKind
from app.kit.database import Database
from app.kit.ownership import owned_by
from app.tenants import service
from app.tenants.models import TokenKind, User
from app.tenants.routes.tenants import tenant_view
from app.tenants.routes.users import user_view
from app.tenants.schemas.tenants import Me

_SHOWN_KIND = {
    PrincipalKind.PLATFORM: "platform",
    PrincipalKind.TOKEN: TokenKind.SECRET.value,
    PrincipalKind.PUBLISHABLE: TokenKind.PUBLISHABLE.value,
    PrincipalKind.USER: "user",
    PrincipalKind.ANONYMOUS: "anonymous",
}


@get("/v1/me", operation_id="get_me", summary="Who this token is", tags=["Identity"], responses=problems(401, 403))
async def get_me(principal: NamedDependency[Principal], database: NamedDependency[Database]) -> Me:
    """Any token may ask, publishable ones and the admin key included; the latter has no tenant."""
    tenant, user = None, None
    if principal.tenant_id is not None:
        async with database.reading(principal.tenant_id) as session:
            tenant = tenant_view(await service.get_tenant(session, principal.tenant_id))
            if principal.user_id is not None:
                query = owned_by(principal.tenant_id, User).where(col(User.id) == principal.user_id)
                found = (await session.exec(query)).first()
                user = None if found is None else user_view(found)
    return Me(
        tenant=tenant,
        kind=_SHOWN_KIND[principal.kind],
        scopes=sorted(principal.scopes),
        token_id=principal.token_id,
        user=user,
        bot_ids=None if principal.bot_ids is None else sorted(principal.bot_ids),
    )


ROUTES: Sequence[HTTPRouteHandler] = (get_me,)
