"""Web origins, by which publishable tokens are bound to pages: ``scheme://host[:port]`` and nothing more."""

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normal_origin(text: str) -> str | None:
    """The origin as browsers send it (lower case, no default port); None when ``text`` is not a bare http(s) origin."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not host or any(letter.isspace() for letter in host):
        return None
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc or "*" in host:
        return None
    shown = f"[{host}]" if ":" in host else host
    suffix = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{shown}{suffix}"
