"""Bots: making, changing and reading them, and the frozen profile that the flows work with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlmodel import col

from app.bots.models import Bot, BotKnowledgeBase
from app.bots.policies import AbstainPolicy, CachePolicy, RetrievalPolicy
from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import Conflict, NotFound
from app.kit.ids import parse_id
from app.kit.ownership import count_owned, get_owned, owned_by, owned_columns, owned_delete
from app.knowledge.models import KnowledgeBase
from app.tenants.models import Credential

EXTRACTIVE = "extractive"
"""The model that quotes and never writes; it needs no key."""

POLICIES = ("retrieval", "abstain", "cache", "widget")


@dataclass(frozen=True, slots=True)
class BotProfile:
    """A bot as the flows see it: detached from the database, its policies parsed."""

    id: UUID
    name: str
    model: str
    credential_id: UUID | None
    system_prompt: str | None
    temperature: float | None
    max_tokens: int | None
    knowledge_base_ids: tuple[UUID, ...]
    retrieval: RetrievalPolicy
    abstain: AbstainPolicy
    cache: CachePolicy


@dataclass(frozen=True, slots=True)
class BotWithBases:
    """A bot's row and the ids of the knowledge bases it answers from."""

    bot: Bot
    knowledge_base_ids: tuple[UUID, ...]


async def create_bot(
    session: Session,
    tenant_id: UUID,
    fields: dict[str, Any],
    knowledge_base_ids: Sequence[UUID],
    *,
    is_default: bool = False,
) -> BotWithBases:
    """Make a bot. Raises NotFound for a credential or knowledge base the tenant does not have."""
    await _require(session, tenant_id, _credentials(fields), knowledge_base_ids)
    bot = Bot(tenant_id=tenant_id, is_default=is_default, **fields)
    session.add(bot)
    await session.flush()
    await _link(session, bot, knowledge_base_ids)
    return BotWithBases(bot, tuple(knowledge_base_ids))


async def change_bot(
    session: Session,
    tenant_id: UUID,
    bot_id: UUID,
    changes: dict[str, Any],
    knowledge_base_ids: Sequence[UUID] | None,
) -> BotWithBases:
    """Change the named fields of a bot; None leaves its knowledge bases as they are."""
    bot = await get_owned(session, tenant_id, Bot, bot_id)
    await _require(session, tenant_id, _credentials(changes), knowledge_base_ids or ())
    for name, value in changes.items():
        setattr(bot, name, value)
    bot.updated_at = now()
    session.add(bot)
    if knowledge_base_ids is not None:
        await session.exec(owned_delete(tenant_id, BotKnowledgeBase).where(col(BotKnowledgeBase.bot_id) == bot_id))
        await _link(session, bot, knowledge_base_ids)
    return (await with_bases(session, tenant_id, [bot]))[0]


async def delete_bot(session: Session, tenant_id: UUID, bot_id: UUID) -> None:
    """Delete a bot; its chats stay. Raises Conflict for the default bot while there are others to take over."""
    bot = await get_owned(session, tenant_id, Bot, bot_id)
    await session.delete(bot)
    await session.flush()
    if bot.is_default:
        heir = (await session.exec(owned_by(tenant_id, Bot).order_by(col(Bot.id)).limit(1))).first()
        if heir is None:
            raise Conflict("This is the tenant's last bot; make another before deleting it.")
        heir.is_default = True
        session.add(heir)


async def with_bases(session: Session, tenant_id: UUID, bots: Sequence[Bot]) -> list[BotWithBases]:
    """Each bot with its knowledge bases, in the order given."""
    links = (
        await session.exec(
            owned_by(tenant_id, BotKnowledgeBase)
            .where(col(BotKnowledgeBase.bot_id).in_([bot.id for bot in bots]))
            .order_by(col(BotKnowledgeBase.id))
        )
    ).all()
    return [BotWithBases(bot, tuple(link.knowledge_base_id for link in links if link.bot_id == bot.id)) for bot in bots]


async def load_profile(session: Session, tenant_id: UUID, bot_id: str | None) -> BotProfile:
    """The named bot, or the default one. Raises NotFound when there is none."""
    if bot_id is not None:
        bot = await get_owned(session, tenant_id, Bot, parse_id(bot_id))
    else:
        found = (await session.exec(owned_by(tenant_id, Bot).where(col(Bot.is_default)))).first()
        if found is None:
            raise NotFound("This tenant has no bot yet; make one with POST /v1/bots.")
        bot = found
    (bundle,) = await with_bases(session, tenant_id, [bot])
    return profile_of(bundle)


def profile_of(bundle: BotWithBases) -> BotProfile:
    """Parse a row's policies; fields that a later version added take their defaults."""
    bot = bundle.bot
    return BotProfile(
        id=bot.id,
        name=bot.name,
        model=bot.model,
        credential_id=bot.credential_id,
        system_prompt=bot.system_prompt,
        temperature=bot.temperature,
        max_tokens=bot.max_tokens,
        knowledge_base_ids=bundle.knowledge_base_ids,
        retrieval=RetrievalPolicy.model_validate(bot.retrieval),
        abstain=AbstainPolicy.model_validate(bot.abstain),
        cache=CachePolicy.model_validate(bot.cache),
    )


class BotDirectory:
    """Answers the slice of tokens, which lies below this one, whether bots exist."""

    async def require(self, session: Session, tenant_id: UUID, bot_ids: Sequence[UUID]) -> None:
        """Raises NotFound when one of the ids is not a bot of the tenant."""
        wanted = set(bot_ids)
        if await count_owned(session, tenant_id, Bot, col(Bot.id).in_(wanted)) != len(wanted):
            raise NotFound("There is no bot with this id.")


def _credentials(fields: Mapping[str, Any]) -> list[UUID]:
    """The credentials a bot's fields name: its model's, and its reranker's."""
    policy = RetrievalPolicy.model_validate(fields.get("retrieval") or {})
    named = (fields.get("credential_id"), policy.rerank and policy.rerank.credential_id)
    return [parse_id(str(credential_id)) for credential_id in named if credential_id is not None]


async def _require(
    session: Session, tenant_id: UUID, credential_ids: Sequence[UUID], knowledge_base_ids: Sequence[UUID]
) -> None:
    for credential_id in credential_ids:
        await get_owned(session, tenant_id, Credential, credential_id)
    wanted = set(knowledge_base_ids)
    query = owned_columns(tenant_id, KnowledgeBase, col(KnowledgeBase.id)).where(col(KnowledgeBase.id).in_(wanted))
    if len(cast(Any, await session.exec(query)).all()) != len(wanted):
        raise NotFound("There is no knowledge base with this id.")


async def _link(session: Session, bot: Bot, knowledge_base_ids: Sequence[UUID]) -> None:
    for knowledge_base_id in dict.fromkeys(knowledge_base_ids):
        session.add(BotKnowledgeBase(tenant_id=bot.tenant_id, bot_id=bot.id, knowledge_base_id=knowledge_base_id))
    await session.flush()
