"""Which web pages may use the tools: those of this machine."""

from urllib.parse import urlsplit

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def is_local(origin: str) -> bool:
    """Whether an ``Origin`` names this machine literally, which no foreign page can, whatever its name resolves to."""
    try:
        return urlsplit(origin).hostname in LOCAL_HOSTS
    except ValueError:
        return False
