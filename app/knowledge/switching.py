"""Switching which version speaks, as people order it: index first, then switch, then clear away.

Ingestion takes the same steps as stages of a run.
"""

from uuid import UUID

from app.adapters.vector_store.port import VectorStore
from app.events.service import Recorder
from app.kit.database import Database
from app.kit.errors import NotFound
from app.kit.ownership import get_owned
from app.knowledge.activation import (
    Activation,
    VersionNotIndexed,
    activate_version,
    deactivate_document,
    require_ready,
)
from app.knowledge.backfill import Backfill, ask_for_backfill
from app.knowledge.indexing import index_version, retire
from app.knowledge.models import Document, DocumentVersion, VersionStatus

_TRIES = 3
"""Others may retire the version while it is being indexed; it is then indexed again."""


class Switch:
    """Activates versions and silences documents."""

    def __init__(self, database: Database, vectors: VectorStore, recorder: Recorder, backfill: Backfill) -> None:
        self._database = database
        self._vectors = vectors
        self._recorder = recorder
        self._backfill = backfill

    async def activate(self, tenant_id: UUID, document_id: UUID, version_id: UUID, actor: str | None) -> None:
        """Let a version speak for its document; nothing happens when it does already.

        Its points come from the embedding cache, so no provider is asked. Raises NotFound, VersionNotReady and
        DependencyDown.
        """
        if await self._is_active(tenant_id, document_id, version_id):
            return
        done = await self._switch(tenant_id, version_id, actor)
        await retire(self._database, self._vectors, tenant_id, done.retired)
        for model in done.unseen_models:
            await ask_for_backfill(self._backfill, tenant_id, done.knowledge_base_id, model)

    async def deactivate(self, tenant_id: UUID, document_id: UUID, actor: str | None) -> None:
        """Let no version speak for a document. Raises NotFound."""
        async with self._database.transaction(tenant_id) as session:
            retired = await deactivate_document(session, self._recorder, tenant_id, document_id, actor)
        await retire(self._database, self._vectors, tenant_id, retired)

    async def _is_active(self, tenant_id: UUID, document_id: UUID, version_id: UUID) -> bool:
        async with self._database.reading(tenant_id) as session:
            await get_owned(session, tenant_id, Document, document_id)
            version = await get_owned(session, tenant_id, DocumentVersion, version_id)
        if version.document_id != document_id:
            raise NotFound("There is no document version with this id.")
        require_ready(version)
        return version.status is VersionStatus.ACTIVE

    async def _switch(self, tenant_id: UUID, version_id: UUID, actor: str | None) -> Activation:
        for left in reversed(range(_TRIES)):
            await index_version(self._database, self._vectors, tenant_id, version_id)
            try:
                async with self._database.transaction(tenant_id) as session:
                    return await activate_version(session, self._recorder, tenant_id, version_id, actor)
            except VersionNotIndexed:
                if not left:
                    raise
        raise AssertionError("unreachable")
