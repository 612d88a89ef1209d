"""Tenants, and who a token is."""

from uuid import UUID

from pydantic import Field

from app.http.principal import Scope
from app.kit.schema import Draft, Moment, Name, Schema
from app.tenants.schemas.fields import SECRETIVE, Email, Kept, NewPassword
from app.tenants.schemas.people import UserView


class TenantView(Schema):
    """An organisation."""

    id: UUID
    name: str
    created_at: Moment


class TenantPage(Schema):
    """Tenants, newest first."""

    items: list[TenantView]
    next_cursor: str | None


class NewOwner(Schema):
    """The first person of a tenant."""

    model_config = SECRETIVE

    email: Email
    password: NewPassword = Field(repr=False)


class NewTenant(Schema):
    """A tenant to be made."""

    name: Name
    owner: NewOwner | None = None


class TenantChange(Draft):
    """A tenant's new name."""

    name: Kept[Name] = None


class FirstToken(Schema):
    """The admin token a tenant begins with; ``token`` is shown this once."""

    id: UUID
    token: str
    scopes: list[Scope]


class TenantFounded(Schema):
    """A new tenant and what it can begin with."""

    tenant: TenantView
    api_token: FirstToken
    knowledge_base_id: UUID
    bot_id: UUID


class Me(Schema):
    """Who the token is. ``kind`` is secret, publishable, user or platform; ``bot_ids`` null means every bot."""

    tenant: TenantView | None
    kind: str
    scopes: list[Scope]
    token_id: UUID | None
    user: UserView | None
    bot_ids: list[UUID] | None
