"""Providers' secrets."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.kit.schema import Draft, Moment, Name, Schema
from app.tenants.schemas.fields import SECRETIVE, Kept

Provider = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A provider's name as LiteLLM spells it: ``openai``, ``anthropic``, ``azure`` …"""

ApiBase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
ApiKey = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Extra = Annotated[
    dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")],
        Annotated[str, StringConstraints(max_length=10_000)],
    ],
    Field(max_length=20),
]
"""Further parameters of a provider, as LiteLLM names them (``api_version``, ``aws_region_name`` …)."""


class NewCredential(Schema):
    """A provider's secret to be sealed."""

    model_config = SECRETIVE

    name: Name
    provider: Provider
    api_key: ApiKey = Field(repr=False)
    api_base: ApiBase | None = None
    extra: Extra | None = Field(default=None, repr=False)


class CredentialPatch(Draft):
    """A change to a credential; ``extra`` is replaced as a whole, a null ``api_base`` goes back to the provider's."""

    model_config = SECRETIVE

    name: Kept[Name] = None
    provider: Kept[Provider] = None
    api_key: Kept[ApiKey] = Field(default=None, repr=False)
    api_base: ApiBase | None = None
    extra: Extra | None = Field(default=None, repr=False)


class CredentialView(Schema):
    """A credential as anybody may see it: never its secret."""

    id: UUID
    name: str
    provider: str
    api_base: str | None
    last4: str
    key_fingerprint: str
    created_at: Moment
    updated_at: Moment


class CredentialPage(Schema):
    """Credentials, newest first."""

    items: list[CredentialView]
    next_cursor: str | None
