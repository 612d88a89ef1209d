"""Which server a command talks to, and as whom."""

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.cli.complaints import Complaint
from app.cli.profiles import load_profiles

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Target:
    """An address without a slash at its end, and a bearer token, hidden from ``repr``."""

    url: str
    token: str | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def find_target(profile: str | None, url: str | None, token: str | None) -> Target:
    """Options win over ``MINIRAG_URL`` and ``MINIRAG_TOKEN``, and those over the profile; without any, this machine.

    A profile's token goes to the profile's own server and to no other. Raises Complaint for an unusable address or an
    unknown profile.
    """
    url = url or (None if profile else os.environ.get("MINIRAG_URL"))
    token = token or (None if profile else os.environ.get("MINIRAG_TOKEN"))
    stored = None if url and token and not profile else load_profiles().chosen(profile)
    address = clean_url(url or (stored.url if stored else DEFAULT_URL))
    if token is None and stored is not None and clean_url(stored.url) == address:
        token = stored.token
    return Target(address, token)


def clean_url(url: str) -> str:
    """The address as it is used. Raises Complaint unless it is http or https with a host."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Complaint(f"{url!r} is not an address of a server; it should look like {DEFAULT_URL}.")
    return url.strip().rstrip("/")
