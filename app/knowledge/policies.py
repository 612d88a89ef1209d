"""How a knowledge base cuts its documents: the chunking policy as clients send and see it."""

from dataclasses import asdict

from pydantic import Field

from app.chunking.policy import ChunkingPolicy
from app.kit.errors import FieldError, Invalid
from app.kit.schema import Schema

_DEFAULT = ChunkingPolicy()


class ChunkingSettings(Schema):
    """Sizes in tokens. A change concerns what is ingested from then on; what is already known stays as it was cut."""

    parent_tokens: int = Field(default=_DEFAULT.parent_tokens, ge=32, le=32_000)
    target_tokens: int = Field(default=_DEFAULT.target_tokens, ge=32, le=4_000)
    max_tokens: int = Field(default=_DEFAULT.max_tokens, ge=32, le=8_000)
    hard_cap_tokens: int = Field(default=_DEFAULT.hard_cap_tokens, ge=32, le=16_000)
    overlap_tokens: int = Field(default=_DEFAULT.overlap_tokens, ge=0, le=2_000)

    def policy(self) -> ChunkingPolicy:
        """The policy the chunker takes. Raises Invalid, with paths under ``chunking``, where sizes contradict."""
        try:
            return ChunkingPolicy(**self.model_dump())
        except Invalid as fault:
            wrong = tuple(FieldError(f"chunking.{field.path}", field.message) for field in fault.errors)
            raise Invalid(f"chunking.{fault.detail}", errors=wrong) from fault


def chunking_of(stored: dict[str, object]) -> ChunkingSettings:
    """The settings a knowledge base's row holds; fields that a later version added take their defaults."""
    known = {name: value for name, value in stored.items() if name in asdict(_DEFAULT)}
    return ChunkingSettings.model_validate(known)
