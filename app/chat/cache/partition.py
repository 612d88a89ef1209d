"""What must be equal before any two questions may share an answer. A change of it invalidates by construction.

The partition's name is a digest of the bot (every field that can change an answer), of the versions of its knowledge
bases, which grow in the very transaction that changes what is active, and of when its credentials last changed, since
an address may lead to another model. It is read before the search: an answer that was overtaken by a change while it
was being written is kept under the old name, which nobody asks for any more.
"""

import json
from typing import Any, cast
from uuid import UUID

from sqlmodel import col

from app.bots.service import BotProfile
from app.chat.cache.keys import digest
from app.kit.database import Session
from app.kit.ownership import owned_columns
from app.knowledge.models import KnowledgeBase
from app.tenants.models import Credential

RECIPE = "1"
"""Raised whenever this service answers differently from the same parts: other rules, another extractive answerer."""


async def partition_of(session: Session, tenant_id: UUID, bot: BotProfile) -> str:
    """The name of the bot's partition at this moment: 32 hexadecimal digits."""
    state = [RECIPE, str(tenant_id), _fields(bot)]
    bases = owned_columns(tenant_id, KnowledgeBase, col(KnowledgeBase.id), col(KnowledgeBase.version))
    state += await _rows(session, bases.where(col(KnowledgeBase.id).in_(bot.knowledge_base_ids)))
    if credentials := _credentials(bot):
        touched = owned_columns(tenant_id, Credential, col(Credential.id), col(Credential.updated_at))
        state += await _rows(session, touched.where(col(Credential.id).in_(credentials)))
    return digest(state)


def _fields(bot: BotProfile) -> str:
    """Everything of a bot that can change an answer. Name, widget and the cache's own policy cannot."""
    fields: dict[str, Any] = {
        "id": str(bot.id),
        "model": bot.model,
        "credential_id": None if bot.credential_id is None else str(bot.credential_id),
        "system_prompt": bot.system_prompt,
        "temperature": bot.temperature,
        "max_tokens": bot.max_tokens,
        "knowledge_base_ids": sorted(map(str, bot.knowledge_base_ids)),
        "retrieval": bot.retrieval.model_dump(mode="json"),
        "abstain": bot.abstain.model_dump(mode="json"),
    }
    return json.dumps(fields, sort_keys=True)


def _credentials(bot: BotProfile) -> list[UUID]:
    rerank = bot.retrieval.rerank
    named = (bot.credential_id, None if rerank is None or rerank.credential_id is None else UUID(rerank.credential_id))
    return [credential_id for credential_id in named if credential_id is not None]


async def _rows(session: Session, query: Any) -> list[str]:
    found: list[Any] = cast(Any, await session.exec(query)).all()
    return sorted(f"{row[0]}={row[1]}" for row in found)
