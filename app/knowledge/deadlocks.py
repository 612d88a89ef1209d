"""Doing a transaction again that PostgreSQL ended because it and another waited for each other.

Everybody here locks in one order (knowledge base, source, document, version), but a deletion cascades into rows that
others, who know nothing of that order, may be holding: the run that is at work on the source, for one.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

Result = TypeVar("Result")

_TRIES = 4
_DEADLOCK = "40P01"
"""SQLSTATE deadlock_detected (PostgreSQL, appendix A)."""

log = structlog.get_logger(__name__)


async def despite_deadlocks(work: Callable[[], Awaitable[Result]]) -> Result:
    """Run ``work``, a whole transaction, again while it ends in a deadlock; raises the last one, and all else."""
    for _ in range(_TRIES - 1):
        try:
            return await work()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _DEADLOCK:
                raise
            log.info("transaction.deadlocked")
    return await work()
