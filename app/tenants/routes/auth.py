"""``/v1/auth``: console people sign in and out."""

from collections.abc import Sequence

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from app.http.access import PUBLIC
from app.http.docs import problems
from app.http.principal import Principal
from app.kit.database import Database
from app.kit.errors import Forbidden
from app.tenants import users
from app.tenants.freshness import Freshness
from app.tenants.login import Login
from app.tenants.schemas.people import LoginForm, Session

TAGS = ["Identity"]


@post(
    "/v1/auth/login",
    opt={PUBLIC: True},
    status_code=200,
    operation_id="login",
    summary="Sign in with e-mail and password",
    tags=TAGS,
    responses=problems(400, 401, 413, 415, 422),
)
async def sign_in(data: JSONBody[LoginForm], login: NamedDependency[Login]) -> Session:
    """The access token is sent as a bearer token; it ends by itself, at sign-out and when the password changes."""
    signed_in = await login.sign_in(data.email, data.password)
    return Session(access_token=signed_in.access_token, token_type="bearer", expires_in_s=signed_in.expires_in_s)


@post(
    "/v1/auth/logout",
    status_code=204,
    operation_id="logout",
    summary="Sign out everywhere",
    tags=TAGS,
    responses=problems(401, 403),
)
async def sign_out(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    freshness: NamedDependency[Freshness],
) -> None:
    """Ends all sessions of this person at once."""
    if principal.user_id is None:
        raise Forbidden("Only a console session can sign out; an API token is revoked with DELETE /v1/tokens/{id}.")
    async with database.transaction(principal.tenant) as session:
        await users.end_sessions(session, principal.tenant, principal.user_id, freshness)


ROUTES: Sequence[HTTPRouteHandler] = (sign_in, sign_out)
