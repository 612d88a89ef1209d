"""The doors of this slice, a file for each noun."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from app.chat.routes import answers, cache, chats, stats

__all__ = ["ROUTES"]

ROUTES: Sequence[HTTPRouteHandler] = (*answers.ROUTES, *chats.ROUTES, *stats.ROUTES, *cache.ROUTES)
