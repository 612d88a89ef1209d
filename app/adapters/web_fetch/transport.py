"""Connections that go only where the guard has looked."""

from collections.abc import Iterable
from typing import cast

import httpcore
import httpx

from app.adapters.web_fetch.guard import AddressGuard


def guarded_transport(guard: AddressGuard) -> httpx.AsyncBaseTransport:
    """A transport for ``httpx.AsyncClient`` that obeys ``guard``, for the first request and every redirect.

    Requests raise ``FetchRefused`` and ``HostUnknown`` beside httpx's own errors. No proxy of the environment is
    used: a proxy would resolve names by itself.
    """
    return _GuardedTransport(guard)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    def __init__(self, guard: AddressGuard) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        self._guard = guard
        # httpx offers no way to pass a network backend on, so the pool it made, unused yet, is replaced.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=_GuardedBackend(guard),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse at sight, then send."""
        self._guard.check_literal(str(request.url))
        return await super().handle_async_request(request)


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves through the guard and connects to the address it was given.

    TLS checks the certificate against the host of the URL, and the Host header is that host too: both are set above
    this layer, which only decides where the bytes go.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._network = cast(httpcore.AsyncNetworkBackend, httpcore.AnyIOBackend())  # Declared twice, once empty.

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's vetted addresses that answers."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in await self._guard.addresses(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("The host has no address.")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: a socket file is this machine's."""
        raise httpcore.ConnectError("Socket files are not called.")

    async def sleep(self, seconds: float) -> None:
        """As httpcore wants it."""
        await self._network.sleep(seconds)
