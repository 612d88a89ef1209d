"""The ban on private addresses: people may name public hosts, and those the operator allowed, nothing else.

A name is resolved once, every address it has is looked at, and the connection goes to one of those very addresses
(``transport.py``), so that a name which changes its mind between the look and the call gains nothing.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final

import httpx

from app.adapters.web_fetch.addresses import Address, literal, why_not_public
from app.kit.errors import DependencyDown, Invalid

RESOLVE_S: Final = 10.0
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
Resolver = Callable[[str, int], Awaitable[list[str]]]


class FetchRefused(Invalid):
    """The address may not be called."""

    code = "fetch_refused"
    title = "This address may not be called"


class HostUnknown(DependencyDown):
    """The host's name cannot be resolved now."""

    code = "host_unknown"
    title = "This host is not known"


class AddressGuard:
    """Knows which addresses may be called.

    ``allowed_hosts`` holds ``host`` (any port) or ``host:port`` exempt from the ban, as they stand in a URL.
    ``resolve`` gives the addresses of a name as text, the system's resolver unless told otherwise.
    """

    def __init__(self, allowed_hosts: frozenset[str], resolve: Resolver | None = None) -> None:
        self._resolve = resolve or _system_resolver
        self._allowed = frozenset(host.lower() for host in allowed_hosts)

    def check_literal(self, url: str) -> None:
        """Raise ``FetchRefused`` for what the URL alone shows: its scheme, a user name, an address not public."""
        host, port = _target(url)
        if not self.allows(host, port):
            _check_host(host)

    async def vet(self, url: str) -> None:
        """As ``check_literal``, and look at every address behind a name; raises ``HostUnknown`` where it has none.

        By itself it cannot know where a connection will go: make that with ``addresses``.
        """
        host, port = _target(url)
        await self.addresses(host, port)

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses that a connection to ``host`` may go to, in the resolver's order.

        Raises ``FetchRefused`` where any of them is not public, and ``HostUnknown`` where there is none.
        """
        allowed = self.allows(host, port)
        if not allowed:
            _check_host(host)
        found = await self._addresses_of(host, port)
        if not allowed and any(why_not_public(address) for address in found):
            # Which address it was stays unsaid: it would tell what the network inside looks like.
            raise FetchRefused(f"{host} is not a public host.{_HOW_TO_ALLOW}")
        return tuple(str(address) for address in found)

    async def _addresses_of(self, host: str, port: int) -> list[Address]:
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = await self._resolve(host, port)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise HostUnknown(f"The host {host} cannot be resolved.") from error
        if not found:
            raise HostUnknown(f"The host {host} has no address.")
        return [ip_address(text.partition("%")[0]) for text in dict.fromkeys(found)]

    def allows(self, host: str, port: int) -> bool:
        """Whether the operator exempted this host, or this host with this port."""
        plain = host.lower().removesuffix(".")
        names = {plain, f"[{plain}]"} if ":" in plain else {plain}
        return any(name in self._allowed or f"{name}:{port}" in self._allowed for name in names)


_HOW_TO_ALLOW: Final = " The operator can exempt it in MINIRAG_ALLOWED_FETCH_HOSTS."


def _target(url: str) -> tuple[str, int]:
    """Host and port of a URL that may be asked for at all."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise FetchRefused("This is not a URL that can be called.") from error
    if parsed.scheme not in ("http", "https"):
        raise FetchRefused("Only http and https addresses can be called.")
    if parsed.userinfo:
        raise FetchRefused("The address must not hold a user name or password.")
    host = parsed.raw_host.decode("ascii").strip("[]")
    if not _HOST.fullmatch(host):
        raise FetchRefused("The address names no host that can be called.")
    port = parsed.port if parsed.port is not None else 443 if parsed.scheme == "https" else 80
    if not 1 <= port <= 65535:
        raise FetchRefused("The address names a port that does not exist.")
    return host, port


def _check_host(host: str) -> None:
    try:
        address = literal(host)
    except ValueError as error:
        raise FetchRefused(f"{host} is not an address that can be called.") from error
    if address is not None and (kind := why_not_public(address)):
        raise FetchRefused(f"{host} is not a public address ({kind}).{_HOW_TO_ALLOW}")


async def _system_resolver(host: str, port: int) -> list[str]:
    places = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in places]
