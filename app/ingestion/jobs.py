"""The jobs of this slice, as the queue calls them: by name, with ids as text, at least once.

``ingest_run`` names a run, and takes the one whose turn it is. The message means "there is work", so that ten
thousand messages of one tenant, all sent first, do not keep another tenant's single file waiting: the order of work is
decided in SQL at the moment a worker is free (``leases.next_due``), not by the order of messages. There are as many
messages as runs, and the sweeper adds what is missing, so the run that was passed over has its turn with another
message. A message that finds nothing due does nothing.
"""

from collections.abc import Mapping
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.adapters.queue import Job, RetryLater
from app.ingestion.backfill import BACKFILL, Backfiller
from app.ingestion.deps import IngestionDeps
from app.ingestion.dispatch import INGEST
from app.ingestion.worker import Ingester
from app.kit.errors import DependencyDown

AWAY_S = 2.0
"""When a job looks again whether the database is back."""

log = structlog.get_logger(__name__)


class IngestionJobs:
    """Binds the jobs to what they need."""

    def __init__(self, deps: IngestionDeps) -> None:
        self._ingester = Ingester(deps)
        self._backfiller = Backfiller(deps)

    async def ingest_run(self, run_id: str) -> None:
        """See the run whose turn it is through to its end. Raises RetryLater while the database is away."""
        del run_id
        try:
            await self._ingester.work()
        except (SQLAlchemyError, OSError, DependencyDown) as error:
            # A run in hand is not lost with it: its lease lapses.
            log.warning("job.dependency_down", kind=type(error).__name__)
            raise RetryLater(AWAY_S) from error

    async def backfill_model(self, tenant_id: str, knowledge_base_id: str, model: str) -> None:
        """Embed what a knowledge base knows under a model that is new to it."""
        await self._backfiller.fill(UUID(tenant_id), UUID(knowledge_base_id), model)

    def by_name(self) -> Mapping[str, Job]:
        """The jobs as the worker registers them."""
        return {INGEST: self.ingest_run, BACKFILL: self.backfill_model}
