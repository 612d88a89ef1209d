"""Knowledge bases: making, changing and deleting them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col

from app.events.service import Recorder
from app.events.types import EventType
from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import Conflict, NotFound
from app.kit.ownership import get_owned, owned_by, owned_columns, owned_update
from app.knowledge.erasing import Leftovers, leftovers_of_base
from app.knowledge.model_list import EMBEDDED, ModelChanges, ModelChoice, add_models, replace_models
from app.knowledge.models import KnowledgeBase, ModelStatus, Source
from app.knowledge.policies import ChunkingSettings
from app.knowledge.rows import all_of, first_of


@dataclass(frozen=True, slots=True)
class BaseChanges:
    """Changes to a knowledge base; None leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    chunking: ChunkingSettings | None = None
    models: tuple[ModelChoice, ...] | None = None


async def create_base(
    session: Session,
    tenant_id: UUID,
    name: str,
    description: str = "",
    chunking: ChunkingSettings | None = None,
    models: Sequence[ModelChoice] = (EMBEDDED,),
    is_default: bool = False,
) -> KnowledgeBase:
    """Make a knowledge base. Raises Invalid for sizes that contradict each other and Conflict as ``add_models``."""
    settings = chunking or ChunkingSettings()
    settings.policy()
    base = KnowledgeBase(
        tenant_id=tenant_id,
        name=name,
        description=description,
        chunking=settings.model_dump(),
        is_default=is_default,
    )
    session.add(base)
    await session.flush()
    await add_models(session, tenant_id, base.id, models, ModelStatus.READY)
    return base


async def default_base_id(session: Session, tenant_id: UUID) -> UUID:
    """The id of the tenant's default knowledge base. Raises NotFound when it has none."""
    query = owned_columns(tenant_id, KnowledgeBase, col(KnowledgeBase.id)).where(col(KnowledgeBase.is_default))
    found: UUID | None = await first_of(session, query)
    if found is None:
        raise NotFound("This tenant has no knowledge base yet; make one with POST /v1/knowledge-bases.")
    return found


async def change_base(
    session: Session, tenant_id: UUID, base_id: UUID, changes: BaseChanges
) -> tuple[KnowledgeBase, ModelChanges]:
    """Change the given fields; the second value says which models to fill in and which vectors to drop afterwards."""
    base = await get_owned(session, tenant_id, KnowledgeBase, base_id)
    if changes.chunking is not None:
        changes.chunking.policy()
        base.chunking = changes.chunking.model_dump()
    base.name = base.name if changes.name is None else changes.name
    base.description = base.description if changes.description is None else changes.description
    base.updated_at = now()
    session.add(base)
    if changes.models is None:
        return base, ModelChanges((), ())
    await session.flush()
    # Which models there are decides what is found, so answers cached before may not be served after.
    await bump_version(session, tenant_id, base_id)
    return base, await replace_models(session, tenant_id, base_id, changes.models)


async def delete_base(
    session: Session, recorder: Recorder, tenant_id: UUID, base_id: UUID, actor: str | None
) -> Leftovers:
    """Delete a knowledge base with its sources; returns what to remove outside SQL once this is committed.

    Bots that answered from it answer without it. The oldest of the others becomes the default where it was that.
    Raises Conflict for the tenant's last one.
    """
    base = await get_owned(session, tenant_id, KnowledgeBase, base_id)
    # All are locked, so that of two deleted at once the second sees that the first is gone.
    locked = await session.exec(owned_by(tenant_id, KnowledgeBase).order_by(col(KnowledgeBase.id)).with_for_update())
    if len(locked.all()) == 1:
        raise Conflict("This is the tenant's last knowledge base; make another before deleting it.")
    leftovers = await leftovers_of_base(session, tenant_id, base_id)
    gone = owned_columns(tenant_id, Source, col(Source.id)).where(col(Source.knowledge_base_id) == base_id)
    for source_id in await all_of(session, gone):
        data = {"knowledge_base_id": str(base_id)}
        await recorder.record(session, tenant_id, EventType.SOURCE_DELETED, source_id, data, actor=actor)
    await session.delete(base)
    await session.flush()
    if base.is_default:
        await _appoint_default(session, tenant_id)
    return leftovers


async def bump_version(session: Session, tenant_id: UUID, base_id: UUID) -> None:
    """Say that what is active in a knowledge base has changed: answers cached before are not served any more."""
    await session.exec(
        owned_update(tenant_id, KnowledgeBase)
        .where(col(KnowledgeBase.id) == base_id)
        .values(version=col(KnowledgeBase.version) + 1)
        .execution_options(synchronize_session=False)
    )


async def lock_base(session: Session, tenant_id: UUID, base_id: UUID) -> KnowledgeBase:
    """The knowledge base, kept from other writers until the commit. Raises NotFound.

    On PostgreSQL it is the weaker lock, which lets others add rows that refer to it; SQLite has one writer anyway.
    """
    query = owned_by(tenant_id, KnowledgeBase).where(col(KnowledgeBase.id) == base_id).with_for_update(key_share=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound("There is no knowledge base with this id.")
    return found


async def _appoint_default(session: Session, tenant_id: UUID) -> None:
    heir = (await session.exec(owned_by(tenant_id, KnowledgeBase).order_by(col(KnowledgeBase.id)).limit(1))).one()
    heir.is_default = True
    session.add(heir)
