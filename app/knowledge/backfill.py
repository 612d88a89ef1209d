"""What this slice asks of the one above it: embed what is already known under a model that is new."""

from typing import Protocol
from uuid import UUID

import structlog

from app.kit.errors import AppError

log = structlog.get_logger(__name__)


class Backfill(Protocol):
    """Starts background work; ingestion implements it."""

    async def request_backfill(self, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> None:
        """Embed and index the active versions of a knowledge base under ``model``, then mark the model ready.

        Called after the commit that set the model's status to ``backfilling``. It may be called again for the same
        model, and a lost call is made up for by whoever sweeps models with that status.
        """
        ...


async def ask_for_backfill(backfill: Backfill, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> None:
    """Ask for it, and leave it to the sweep where that fails: the row says what is to be done."""
    try:
        await backfill.request_backfill(tenant_id, knowledge_base_id, model)
    except AppError as fault:
        log.warning("backfill.not_requested", knowledge_base_id=str(knowledge_base_id), code=fault.code)
