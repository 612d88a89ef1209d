"""``/v1/stats/cache``: whether the cache is worth it, and what the semantic one would do."""

from datetime import timedelta

from litestar import get
from litestar.di import NamedDependency

from app.chat.cache.stats import cache_figures
from app.http.access import needs
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.clock import now
from app.kit.database import Database
from app.kit.schema import Money, Schema

DAYS = 30


class ShadowView(Schema):
    """What bots in shadow mode saw: hits that were not served, and how many of those would have been wrong."""

    would_hit: int
    would_err: int


class CacheStatsView(Schema):
    """The last ``days`` days. ``savings_usd`` is what the answers that were given again had cost."""

    days: int
    hits: int
    savings_usd: Money
    shadow: ShadowView


@get("/v1/stats/cache", guards=[needs(Scope.USAGE)], tags=["Usage"], responses=problems(401, 403))
async def cache_stats(principal: NamedDependency[Principal], database: NamedDependency[Database]) -> CacheStatsView:
    """Hits, what they saved, and what shadow mode saw, over the last thirty days."""
    async with database.reading(principal.tenant) as session:
        figures = await cache_figures(session, principal.tenant, now() - timedelta(days=DAYS))
    return CacheStatsView(
        days=DAYS,
        hits=figures.hits,
        savings_usd=figures.saved_usd,
        shadow=ShadowView(would_hit=figures.would_hit, would_err=figures.would_err),
    )


ROUTES = (cache_stats,)
