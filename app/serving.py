"""An HTTP server for the application, with an end of our own: a signal stops it, and the caller closes what it opened.

Uvicorn raises the signal again once it has stopped, which would end the process before anything else is closed.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress

import uvicorn
from litestar.types import ASGIApp

from app.settings import Settings
from app.startup import StartRefused

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """Uvicorn that tells when it listens and leaves the process to its caller."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop at SIGINT and SIGTERM, and do not raise them again."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets=sockets)
        await self._on_started()


def bind(settings: Settings) -> socket.socket:
    """The socket to listen on. Raises StartRefused when the address is taken or not this machine's."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with suppress(OSError, AttributeError):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as fault:
        listener.close()
        raise StartRefused(
            f"Cannot listen on {settings.host}:{settings.port} ({fault.strerror}). Choose another with --port."
        ) from fault
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL a browser on this machine opens."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  # Only compared.
    return f"http://{shown}:{port}"


async def serve_http(
    app: ASGIApp, settings: Settings, listener: socket.socket, on_started: Callable[[], Awaitable[None]]
) -> None:
    """Serve until told to stop; what is in flight then has the grace period."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_s)),
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=64 * 1024,
    )
    await Server(config, on_started).serve(sockets=[listener])
