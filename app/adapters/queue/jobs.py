"""What a job is, seen from outside, and how it says that it wants to be run again."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from arq.typing import WorkerCoroutine
from arq.worker import Retry

Job = Callable[..., Coroutine[Any, Any, None]]


class RetryLater(Exception):  # It is a request, not a failure.
    """Raised by a job that wants to be run again, with the same arguments, after ``defer_s`` seconds."""

    def __init__(self, defer_s: float = 0) -> None:
        super().__init__(f"again in {defer_s} s")
        self.defer_s = defer_s


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job without arguments that one of all workers runs every ``every_s`` seconds.

    ``every_s`` divides a minute, or is minutes that divide an hour, or hours that divide a day.
    """

    name: str
    job: Job
    every_s: int

    def times(self) -> dict[str, set[int] | int]:
        """When that is, as ARQ counts: the hours, minutes and seconds to run at; raises ``ValueError``."""
        if 60 % self.every_s == 0:
            return {"second": set(range(0, 60, self.every_s))}
        minutes, seconds = divmod(self.every_s, 60)
        if not seconds and 60 % minutes == 0:
            return {"minute": set(range(0, 60, minutes)), "second": 0}
        hours, rest = divmod(minutes, 60)
        if not seconds and not rest and 24 % hours == 0:
            return {"hour": set(range(0, 24, hours)), "minute": 0, "second": 0}
        raise ValueError(f"{self.name}: {self.every_s} seconds do not divide a minute, an hour or a day.")


def without_context(job: Job) -> WorkerCoroutine:
    """A job as ARQ calls it: with a context, which jobs do not get, and with ARQ's own word for another try."""

    async def run(ctx: dict[Any, Any], *args: str) -> None:
        try:
            await job(*args)
        except RetryLater as again:
            raise Retry(defer=max(again.defer_s, 0.001)) from again

    return run
