"""Is it alive, is it ready, and what has it measured: the three questions of operators' tools, open to them all."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import get
from litestar.connection import Request
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app import __version__
from app.http.access import PUBLIC
from app.http.docs import problems
from app.kit.errors import AppError, Unauthenticated
from app.kit.metrics import QUEUE_DEPTH
from app.runtime import Runtime
from app.settings import Settings

CHECK_S = 2.0
"""How long a dependency may take to answer before it counts as down."""

Check = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a look at one dependency found; ``latency_ms`` is how long the look took."""

    ok: bool
    latency_ms: float
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """All dependencies at one moment."""

    status: str
    version: str
    dependencies: dict[str, Dependency]


@dataclass(frozen=True, slots=True)
class Liveness:
    """That the process answers."""

    status: str
    version: str


class Health:
    """Looks at every dependency at once."""

    def __init__(self, runtime: Runtime, extra: Mapping[str, Check] | None = None) -> None:
        self._checks: dict[str, Check] = {
            "database": runtime.database.ping,
            "redis": runtime.queue.ping,
            "vectors": runtime.vectors.ping,
            **(extra or {}),
        }
        self._queue = runtime.queue

    async def look(self) -> Readiness:
        """Never raises: what is wrong stands in the answer."""
        found = await asyncio.gather(*(_look_at(check) for check in self._checks.values()))
        dependencies = dict(zip(self._checks, found, strict=True))
        ready = all(dependency.ok for dependency in found)
        return Readiness("ready" if ready else "not ready", __version__, dependencies)

    async def measure(self) -> None:
        """Bring up to date the figures that are only known by asking."""
        try:
            QUEUE_DEPTH.set(await self._queue.depth())
        except AppError:
            QUEUE_DEPTH.set(float("nan"))


async def _look_at(check: Check) -> Dependency:
    began = time.perf_counter()
    detail: str | None = None
    try:
        async with asyncio.timeout(CHECK_S):
            await check()
    except AppError as fault:
        detail = fault.detail
    except TimeoutError:
        detail = f"It did not answer within {CHECK_S:g} seconds."
    except Exception as fault:  # noqa: BLE001  # A driver's own error: its kind is told, its words may hold an address.
        detail = f"It cannot be reached ({type(fault).__name__})."
    return Dependency(detail is None, round((time.perf_counter() - began) * 1000, 2), detail)


_DOWN = {503: ResponseSpec(Readiness, description="Something it needs does not answer", generate_examples=False)}
_FIGURES = {
    200: ResponseSpec(str, media_type="text/plain", description="Prometheus' text format", generate_examples=False),
    **problems(401),
}


async def live() -> Liveness:
    """Whether the process answers."""
    return Liveness("alive", __version__)


async def ready(health: NamedDependency[Health]) -> Response[Readiness]:
    """Whether everything it needs answers; 503 if something does not."""
    found = await health.look()
    return Response(found, status_code=200 if found.status == "ready" else 503)


async def metrics(
    request: Request[Any, Any, Any], settings: NamedDependency[Settings], health: NamedDependency[Health]
) -> Response[bytes]:
    """Figures for Prometheus."""
    _check_token(request, settings)
    await health.measure()
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _check_token(request: Request[Any, Any, Any], settings: Settings) -> None:
    if settings.metrics_token is None:
        return
    sent = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
    if not hmac.compare_digest(sent, settings.metrics_token.get_secret_value().encode()):
        raise Unauthenticated("Send the metrics token (MINIRAG_METRICS_TOKEN) as: Authorization: Bearer <token>")


_OPEN: dict[str, Any] = {"opt": {PUBLIC: True}, "tags": ["Health"]}

ROUTES = (
    get("/health/live", operation_id="health_live", summary="Is it alive", **_OPEN)(live),
    get("/health", include_in_schema=False, **_OPEN)(live),
    get("/health/ready", operation_id="health_ready", summary="Is it ready", responses=_DOWN, **_OPEN)(ready),
    get("/ready", include_in_schema=False, **_OPEN)(ready),
    get("/metrics", operation_id="metrics", summary="Figures for Prometheus", responses=_FIGURES, **_OPEN)(metrics),
)
