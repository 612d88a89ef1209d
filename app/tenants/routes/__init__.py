"""The doors of this slice, a file for each noun."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from app.tenants.routes import auth, credentials, me, tenants, tokens, users

__all__ = ["ROUTES"]

ROUTES: Sequence[HTTPRouteHandler] = (
    *tenants.ROUTES,
    *me.ROUTES,
    *auth.ROUTES,
    *users.ROUTES,
    *tokens.ROUTES,
    *credentials.ROUTES,
)
