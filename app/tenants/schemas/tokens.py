"""API tokens."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from app.http.principal import Scope
from app.kit.schema import Moment, Name, Schema
from app.tenants.models import TokenKind


class NewToken(Schema):
    """A token to be made."""

    name: Name
    scopes: Annotated[list[Scope], Field(max_length=20, default_factory=list[Scope])]
    kind: TokenKind = TokenKind.SECRET
    bot_ids: Annotated[list[str], Field(max_length=200)] | None = None
    allowed_origins: Annotated[list[Annotated[str, StringConstraints(max_length=300)]], Field(max_length=50)] | None = (
        None
    )
    expires_at: AwareDatetime | None = None


class TokenView(Schema):
    """A token as lists show it: never the token itself."""

    id: UUID
    name: str
    kind: TokenKind
    prefix: str
    scopes: list[Scope]
    bot_ids: list[UUID] | None
    allowed_origins: list[str] | None
    expires_at: Moment | None
    last_used_at: Moment | None
    created_at: Moment


class TokenCreated(TokenView):
    """A new token; ``token`` is shown this once."""

    token: str


class TokenPage(Schema):
    """Tokens, newest first."""

    items: list[TokenView]
    next_cursor: str | None
