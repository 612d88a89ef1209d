"""What the routes need of whoever founds and erases tenants, which touches every slice and so lives above them all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from uuid import UUID

from app.http.principal import Scope
from app.tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class OwnerDraft:
    """A tenant's first person. The password has been hashed already: hashing must not happen in a transaction."""

    email: str
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Founded:
    """A new tenant with all it needs to begin. ``api_token`` is shown this once."""

    tenant: Tenant
    api_token_id: UUID
    api_token: str = field(repr=False)
    scopes: tuple[Scope, ...]
    knowledge_base_id: UUID
    bot_id: UUID


@runtime_checkable  # The framework checks what it injects with isinstance.
class TenantLifecycle(Protocol):
    """The beginning and the end of a tenant."""

    async def found(self, name: str, owner: OwnerDraft | None) -> Founded:
        """Make a tenant with an admin token, a default knowledge base, a default bot and, where given, its owner.

        Raises Conflict when the owner's e-mail is taken.
        """
        ...

    async def erase(self, tenant_id: UUID) -> Mapping[str, int]:
        """Erase everything of a tenant and count what was erased, by kind. Raises NotFound."""
        ...
