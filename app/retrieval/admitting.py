"""May this search begin? Every search counts for the rate; one that uses paid models needs some of the month left."""

from uuid import UUID

from sqlmodel import col

from app.bots.service import load_profile
from app.kit.database import Session
from app.kit.ids import parse_id
from app.kit.ownership import count_owned
from app.knowledge.models import KnowledgeBaseModel
from app.retrieval.schemas import SearchRequest
from app.usage.admission import Admission


async def admit_search(admission: Admission, tenant_id: UUID, data: SearchRequest) -> None:
    """Raises RateLimited, QuotaExceeded, and NotFound for ids that are not the tenant's."""

    async def costs_something(session: Session) -> bool:
        return await _uses_paid_models(session, tenant_id, data)

    await admission.admit_search(tenant_id, costs_something)


async def _uses_paid_models(session: Session, tenant_id: UUID, data: SearchRequest) -> bool:
    bot = await load_profile(session, tenant_id, data.bot_id)
    if data.rerank is not None or bot.retrieval.rerank is not None:
        return True
    named = data.knowledge_base_ids
    bases = bot.knowledge_base_ids if named is None else [parse_id(text) for text in named]
    paid = (col(KnowledgeBaseModel.knowledge_base_id).in_(bases), ~col(KnowledgeBaseModel.model).startswith("local/"))
    return await count_owned(session, tenant_id, KnowledgeBaseModel, *paid) > 0
