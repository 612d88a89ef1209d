"""Settling which embedding models a knowledge base is to have: their dimensions found out, their keys checked.

No session is open while a provider is asked.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col

from app.adapters.embedder.port import Embedder
from app.adapters.embedder.registry import KnownEmbeddingModel, known
from app.kit.database import Database, Session
from app.kit.errors import FieldError, Invalid, ProviderError
from app.kit.ids import parse_id
from app.kit.models import ModelEndpoint
from app.kit.ownership import owned_by
from app.kit.sealing import Sealer
from app.knowledge.base_schemas import EmbeddingModelDraft
from app.knowledge.model_list import ModelChoice
from app.knowledge.models import KnowledgeBaseModel
from app.tenants.credentials import AddressGuard, check_api_base, endpoint_for

PROBE = "dimension"
"""The word that an unknown model embeds once, to see how long its vectors are."""


class ModelChooser:
    """Turns drafts of embedding models into choices."""

    def __init__(self, database: Database, embedder: Embedder, sealer: Sealer, guard: AddressGuard) -> None:
        self._database = database
        self._embedder = embedder
        self._sealer = sealer
        self._guard = guard

    async def choose(self, tenant_id: UUID, drafts: Sequence[EmbeddingModelDraft]) -> tuple[ModelChoice, ...]:
        """The models in the order given.

        A model that is neither known nor in use already embeds one word. Raises Invalid for a model listed twice or an
        address that must not be called, NotFound for a credential the tenant does not have, and what the provider
        raises (ProviderError and its kin).
        """
        self._check(drafts)
        return tuple([await self._settle(tenant_id, draft) for draft in drafts])

    def _check(self, drafts: Sequence[EmbeddingModelDraft]) -> None:
        seen: set[str] = set()
        for place, draft in enumerate(drafts):
            if draft.model in seen:
                raise Invalid.field(f"embedding_models.{place}.model", "is listed twice")
            seen.add(draft.model)
            try:
                check_api_base(self._guard, draft.api_base)
            except Invalid as fault:
                path = f"embedding_models.{place}.api_base"
                message = fault.errors[0].message if fault.errors else fault.detail
                raise Invalid(f"{path}: {message}", errors=(FieldError(path, message),)) from fault

    async def _settle(self, tenant_id: UUID, draft: EmbeddingModelDraft) -> ModelChoice:
        """A known model at its provider's own address is believed; anything else shows its dimension."""
        credential_id = None if draft.credential_id is None else parse_id(draft.credential_id)
        entry = known(draft.model)
        async with self._database.reading(tenant_id) as session:
            endpoint = await endpoint_for(session, tenant_id, self._sealer, draft.model, credential_id, draft.api_base)
            believed = entry.dimension if entry and endpoint.api_base is None else None
            used = await _used_dimension(session, tenant_id, draft, credential_id)
        dimension = believed or used or await self._probe(endpoint, entry)
        return ModelChoice(draft.model, dimension, credential_id, draft.api_base)

    async def _probe(self, endpoint: ModelEndpoint, entry: KnownEmbeddingModel | None) -> int:
        try:
            embeddings = await self._embedder.embed(endpoint, [PROBE], "document")
        except ProviderError:
            if entry is None:
                raise
            return entry.dimension  # Its server is away at the moment, and what it would say is known.
        return len(embeddings.vectors[0])


async def _used_dimension(
    session: Session, tenant_id: UUID, draft: EmbeddingModelDraft, credential_id: UUID | None
) -> int | None:
    """The dimension another knowledge base of the tenant found for the same model, key and address."""
    query = owned_by(tenant_id, KnowledgeBaseModel).where(
        col(KnowledgeBaseModel.model) == draft.model,
        col(KnowledgeBaseModel.credential_id).is_not_distinct_from(credential_id),
        col(KnowledgeBaseModel.api_base).is_not_distinct_from(draft.api_base),
    )
    row = (await session.exec(query.limit(1))).first()
    return None if row is None else row.dimension
