"""Who is asking, as every route sees it: established once by the authentication middleware."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.kit.errors import Forbidden


class Scope(StrEnum):
    """What a token may do. ``admin`` is everything of its tenant."""

    ADMIN = "admin"
    INGEST = "ingest"
    SEARCH = "search"
    CHAT = "chat"
    USAGE = "usage"


class PrincipalKind(StrEnum):
    """How the caller identified itself."""

    PLATFORM = "platform"
    TOKEN = "token"
    PUBLISHABLE = "publishable"
    USER = "user"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: ``tenant_id`` is None for the platform's admin key, which belongs to no tenant.

    ``bot_ids`` narrows chat to those bots (None: all of the tenant's). ``actor`` names the caller in the event log.
    """

    kind: PrincipalKind
    tenant_id: UUID | None = None
    scopes: frozenset[Scope] = frozenset()
    token_id: UUID | None = None
    user_id: UUID | None = None
    bot_ids: frozenset[UUID] | None = None
    actor: str = "anonymous"

    @property
    def tenant(self) -> UUID:
        """The caller's tenant. Raises Forbidden for the platform's admin key."""
        if self.tenant_id is None:
            raise Forbidden("The admin key belongs to no tenant: use one of the tenant's own tokens here.")
        return self.tenant_id

    def may(self, scope: Scope) -> bool:
        """Whether the caller holds ``scope``, or ``admin``, which implies every scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS)


class Authenticator(Protocol):
    """What the web needs of the slice that knows tokens."""

    async def authenticate(self, bearer: str, origin: str | None) -> Principal:
        """The caller a bearer token belongs to.

        Raises Unauthenticated for one that is unknown, expired or revoked, and Forbidden for a publishable token used
        from an origin that is not allowed.
        """
        ...
