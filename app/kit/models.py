"""How a call to any model provider is addressed: the same value for chat, embeddings and reranking."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """A LiteLLM model string with the secret and address to reach it by.

    ``api_key`` is hidden from ``repr`` so that no log line or traceback can show it. ``extra`` holds further
    provider parameters as LiteLLM names them (``api_version``, ``aws_region_name``, …).
    """

    model: str
    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
