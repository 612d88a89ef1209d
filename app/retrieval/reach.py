"""Which embedding models can answer for the knowledge bases that were asked, and how to call them."""

from uuid import UUID

from app.adapters.vector_store.port import EmbeddingSpace
from app.kit.database import Session
from app.knowledge.model_list import spaces_of
from app.retrieval.evidence import Question
from app.retrieval.search import Reach
from app.tenants.endpoints import EndpointResolver


async def reaches_of(session: Session, question: Question, endpoints: EndpointResolver) -> tuple[Reach, ...]:
    """One Reach for each (model, dimension, credential) in use; BM25 is read once for each knowledge base."""
    spaces = await spaces_of(session, question.tenant_id, question.knowledge_base_ids)
    wanted = [space for space in spaces if question.models is None or space.model in question.models]
    sparse_taken: set[UUID] = set()
    grouped: dict[tuple[str, int, UUID | None, str | None], tuple[list[UUID], list[UUID]]] = {}
    for space in wanted:
        key = (space.model, space.dimension, space.credential_id, space.api_base)
        covered, sparse_for = grouped.setdefault(key, ([], []))
        covered.append(space.knowledge_base_id)
        if space.knowledge_base_id not in sparse_taken:
            sparse_taken.add(space.knowledge_base_id)
            sparse_for.append(space.knowledge_base_id)
    return tuple(
        [
            Reach(
                await endpoints.resolve(session, question.tenant_id, model, credential_id, api_base),
                EmbeddingSpace(model, dimension),
                tuple(covered),
                tuple(sparse_for),
            )
            for (model, dimension, credential_id, api_base), (covered, sparse_for) in grouped.items()
        ]
    )
