"""The beginning and the end of a tenant, which touch every slice: the one place allowed to know them all."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlmodel import func, select

from app.adapters.blob_store import BlobStore
from app.adapters.vector_store import VectorStore
from app.bots.policies import AbstainPolicy, CachePolicy, RetrievalPolicy, WidgetPolicy
from app.bots.service import EXTRACTIVE, create_bot
from app.http.principal import Scope
from app.kit.database import EVERY_TENANT, Database, Session
from app.knowledge.bases import create_base
from app.secrets import Secrets
from app.tables import METADATA
from app.tenants import service, tokens, users
from app.tenants.freshness import Freshness
from app.tenants.lifecycle import Founded, OwnerDraft
from app.tenants.models import Role

FIRST_BOT: Final[dict[str, Any]] = {
    "name": "Assistant",
    "model": EXTRACTIVE,
    "retrieval": RetrievalPolicy().model_dump(mode="json"),
    "abstain": AbstainPolicy().model_dump(mode="json"),
    "cache": CachePolicy().model_dump(mode="json"),
    "widget": WidgetPolicy().model_dump(mode="json"),
}
"""The bot every tenant begins with: it quotes, and needs no key."""


class Lifecycle:
    """Founds tenants so that they can begin at once, and erases them so that nothing is left."""

    def __init__(
        self, database: Database, vectors: VectorStore, blobs: BlobStore, secrets: Secrets, freshness: Freshness
    ) -> None:
        self._database = database
        self._vectors = vectors
        self._blobs = blobs
        self._secrets = secrets
        self._freshness = freshness

    async def found(self, name: str, owner: OwnerDraft | None) -> Founded:
        """A tenant with an admin token, a default knowledge base, a default bot and, where given, its owner."""
        async with self._database.transaction(EVERY_TENANT) as session:
            tenant = await service.create_tenant(session, name)
            if owner is not None:
                await users.add_user(session, tenant.id, owner.email, owner.password_hash, Role.OWNER)
            draft = tokens.TokenDraft("First token", frozenset({Scope.ADMIN}))
            token, plain = await tokens.mint(session, tenant.id, draft, self._secrets.token_pepper)
            base = await create_base(session, tenant.id, "Documents", is_default=True)
            bundle = await create_bot(session, tenant.id, FIRST_BOT, [base.id], is_default=True)
        return Founded(
            tenant=tenant,
            api_token_id=token.id,
            api_token=plain,
            scopes=(Scope.ADMIN,),
            knowledge_base_id=base.id,
            bot_id=bundle.bot.id,
        )

    async def erase(self, tenant_id: UUID) -> Mapping[str, int]:
        """Erase everything of a tenant and count what was erased, by kind.

        The rows go first, in one transaction: from then on nothing of the tenant can be read, whatever happens to
        the process. Vectors and files follow.
        """
        async with self._database.transaction(EVERY_TENANT) as session:
            receipt = await _count_rows(session, tenant_id)
            await service.remove_tenant(session, tenant_id, self._freshness)
        receipt["vectors"] = await self._vectors.delete_tenant(tenant_id)
        receipt["files"] = await self._blobs.delete_prefix(str(tenant_id))
        return receipt


async def _count_rows(session: Session, tenant_id: UUID) -> dict[str, int]:
    """Rows of every table that names the tenant."""
    counts: dict[str, int] = {}
    for table in METADATA.sorted_tables:
        if "tenant_id" in table.c:
            query = (
                select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id)
            )  # unowned: all tables.
            counts[table.name] = (await session.exec(query)).one()
    return counts
