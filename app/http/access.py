"""Who may enter: the authentication middleware, and the guard that a route's signature names."""

from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from app.http.principal import ANONYMOUS, Authenticator, Principal, PrincipalKind, Scope
from app.kit.errors import Forbidden, Unauthenticated

OPEN = "open_to_all"
"""Route option of the few routes that need no token; one that is sent must be good."""

PUBLIC = "public"
"""Route option of pages, health and sign-in, where nobody is asked who they are: a stale token does not matter."""

Connection = ASGIConnection[Any, Principal, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], None]


class Authentication(AbstractAuthenticationMiddleware):
    """Reads ``Authorization: Bearer …`` and puts the Principal on the connection, before any guard runs."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        super().__init__(app)
        self._authenticator = authenticator

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Raises Unauthenticated when a token is missing (unless the route is open) or not good."""
        if connection.route_handler.opt.get(PUBLIC):
            return AuthenticationResult(user=ANONYMOUS, auth=None)
        header = connection.headers.get("authorization")
        if header is None:
            if connection.route_handler.opt.get(OPEN):
                return AuthenticationResult(user=ANONYMOUS, auth=None)
            raise Unauthenticated("Send your API token as: Authorization: Bearer <token>")
        kind, _, bearer = header.partition(" ")
        if kind.lower() != "bearer" or not bearer.strip():
            raise Unauthenticated("The Authorization header must read: Bearer <token>")
        principal = await self._authenticator.authenticate(bearer.strip(), connection.headers.get("origin"))
        return AuthenticationResult(user=principal, auth=None)


def needs(scope: Scope, *, publishable: bool = False) -> Guard:
    """A guard for tenants' routes: the caller must belong to a tenant and hold ``scope``.

    A publishable token stands in public pages, so it is refused everywhere except where ``publishable`` is set.
    """

    def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        principal = connection.user
        _ = principal.tenant
        if principal.kind is PrincipalKind.PUBLISHABLE and not publishable:
            raise Forbidden("A publishable token can only chat; use a secret token on your server for this.")
        if not principal.may(scope):
            raise Forbidden(f"This needs a token with the scope '{scope.value}'.")

    return guard


def needs_any(*scopes: Scope) -> Guard:
    """A guard for tenants' routes that several scopes may read; publishable tokens are refused."""

    def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        principal = connection.user
        _ = principal.tenant
        if principal.kind is PrincipalKind.PUBLISHABLE:
            raise Forbidden("A publishable token can only chat; use a secret token on your server for this.")
        if not any(principal.may(scope) for scope in scopes):
            names = " or ".join(f"'{scope.value}'" for scope in scopes)
            raise Forbidden(f"This needs a token with the scope {names}.")

    return guard


def needs_platform(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A guard for what only the operator may do: the caller must hold the platform's admin key."""
    if connection.user.kind is not PrincipalKind.PLATFORM:
        raise Forbidden("This needs the platform's admin key.")


def provide_principal(request: Connection) -> Principal:
    """The dependency ``principal``: who is asking."""
    return request.user
