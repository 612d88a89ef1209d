"""The three ways in which a limit says no; each is a 429 that says when to come back."""

from datetime import datetime

from app.kit.errors import Limited
from app.usage.reports import this_month


class RateLimited(Limited):
    """More requests in a minute than the tenant may send."""

    code = "rate_limited"
    title = "Too many requests in a minute"


class TooManyStreams(Limited):
    """More answers at once than the tenant may have."""

    code = "too_many_streams"
    title = "Too many answers at once"


class QuotaExceeded(Limited):
    """A monthly limit or the storage is used up."""

    code = "quota_exceeded"
    title = "A quota is used up"


def month_used_up(limit: str, at: datetime) -> QuotaExceeded:
    """A monthly limit (``monthly_tokens``, ``monthly_cost_usd``) is used up until the next month begins."""
    left_s = (this_month(at).end - at).total_seconds()
    return QuotaExceeded(
        f"This month's quota ({limit}) is used up. It begins anew on the first of next month (UTC); "
        "the operator of this installation can raise it.",
        retry_after_s=left_s,
    )
