"""Where an OpenAI-compatible server is reached and how a request says who asks; for chat and embeddings alike."""

import re

from app.kit.models import ModelEndpoint

OPENAI_BASE = "https://api.openai.com/v1"
_BARE_NAMES = re.compile(r"(gpt-|chatgpt-|o\d|text-embedding-(3-|ada-))[\w.:-]*")


def speaks_openai(model: str) -> bool:
    """Tell whether the direct road serves a model: ``openai/…``, or a name only OpenAI uses.

    ``openai/responses/…`` is LiteLLM's way to another protocol and so not ours.
    """
    if model.startswith("openai/"):
        return not model.startswith("openai/responses/")
    return _BARE_NAMES.fullmatch(model) is not None


def is_openai_itself(endpoint: ModelEndpoint) -> bool:
    """Tell OpenAI's own service from the servers that imitate it."""
    return endpoint.api_base is None or endpoint.api_base.startswith("https://api.openai.com/")


def openai_url(endpoint: ModelEndpoint, path: str) -> str:
    """Return the address of one of the protocol's calls."""
    return f"{(endpoint.api_base or OPENAI_BASE).rstrip('/')}/{path}"


def openai_headers(endpoint: ModelEndpoint) -> dict[str, str]:
    """Return the headers that say who asks."""
    headers: dict[str, str] = {}
    if endpoint.api_key:
        headers["authorization"] = f"Bearer {endpoint.api_key}"
    for name in ("organization", "project"):
        if name in endpoint.extra:
            headers[f"OpenAI-{name.title()}"] = endpoint.extra[name]
    return headers
