"""Knowledge bases as clients see them, with how far each embedding model covers them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.kit.database import Session
from app.knowledge.base_schemas import EmbeddingModelView, KnowledgeBaseView
from app.knowledge.coverage import chunks_done, chunks_total
from app.knowledge.model_list import models_of
from app.knowledge.models import KnowledgeBase, KnowledgeBaseModel
from app.knowledge.policies import chunking_of


async def base_views(session: Session, tenant_id: UUID, rows: Sequence[KnowledgeBase]) -> list[KnowledgeBaseView]:
    """The public side of some rows, in their order; three queries, however many they are."""
    ids = [row.id for row in rows]
    models = await models_of(session, tenant_id, ids)
    total = await chunks_total(session, tenant_id, ids)
    done = await chunks_done(session, tenant_id, ids)
    return [
        KnowledgeBaseView(
            id=row.id,
            name=row.name,
            description=row.description,
            embedding_models=[_model_view(model, done, total) for model in models if model.knowledge_base_id == row.id],
            chunking=chunking_of(row.chunking),
            is_default=row.is_default,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


def _model_view(
    model: KnowledgeBaseModel, done: Mapping[tuple[UUID, str], int], total: Mapping[UUID, int]
) -> EmbeddingModelView:
    base_id = model.knowledge_base_id
    return EmbeddingModelView(
        model=model.model,
        dimension=model.dimension,
        status=model.status,
        chunks_done=done.get((base_id, model.model), 0),
        chunks_total=total.get(base_id, 0),
        error=model.error,
        credential_id=model.credential_id,
        api_base=model.api_base,
    )
