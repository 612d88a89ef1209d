"""Which addresses are public, and which texts are addresses. Pure.

Sources: the IANA special-purpose registries (RFC 6890 and its updates), and the WHATWG URL standard for the notations
of IPv4 that browsers and the C library accept (``127.1``, ``0x7f.0.0.1``, ``017700000001``, ``2130706433``).
"""

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_V4 = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a cloud's own service"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "a 6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for measurements"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)
_V6 = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b::/96", "translated to IPv4"),
    ("64:ff9b:1::/48", "translated to IPv4"),
    ("2001::/23", "reserved"),  # Teredo, ORCHID and others: tunnels and identifiers, no hosts.
    ("2001:db8::/32", "for documentation"),
    ("2002::/16", "tunnelled to IPv4"),
    ("3fff::/20", "for documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
)
_V4_NETWORKS = tuple((IPv4Network(network), kind) for network, kind in _V4)
_V6_NETWORKS = tuple((IPv6Network(network), kind) for network, kind in _V6)
_V6_UNICAST = IPv6Network("2000::/3")


def why_not_public(address: Address) -> str | None:
    """What is special about an address, in words; ``None`` for one on the public internet."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _V4_NETWORKS if address in network), None)
    special = next((kind for network, kind in _V6_NETWORKS if address in network), None)
    # Public hosts live in 2000::/3; everything else is unassigned or embeds an IPv4 address in an old way.
    return special or (None if address in _V6_UNICAST else "reserved")


def literal(host: str) -> Address | None:
    """The address that ``host``, as in a URL without brackets, is a notation of; ``None`` where it is a name.

    Raises ``ValueError`` for what looks like an address and is none: a name cannot end in a number.
    """
    if ":" in host:
        return IPv6Address(host.partition("%")[0])
    parts = host.removesuffix(".").split(".")
    if not _is_number(parts[-1]):
        return None
    numbers = [_number(part) for part in parts]
    if len(numbers) > 4 or any(number > 255 for number in numbers[:-1]):
        raise AddressValueError(host)
    value = numbers[-1]
    if value >= 256 ** (5 - len(numbers)):
        raise AddressValueError(host)
    for position, number in enumerate(numbers[:-1]):
        value += number * 256 ** (3 - position)
    return IPv4Address(value)


def _is_number(part: str) -> bool:
    try:
        _number(part)
    except ValueError:
        return part.isdecimal()
    return True


def _number(part: str) -> int:
    """One part of an IPv4 notation: decimal, octal with a leading 0, hexadecimal with 0x (which alone means 0)."""
    if not part.isascii() or not part.isalnum():
        raise ValueError(part)
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)
