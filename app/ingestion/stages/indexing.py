"""Indexing: a version's points in every space of its knowledge base. They overwrite themselves when stored again."""

from uuid import UUID

from app.ingestion.deps import IngestionDeps
from app.ingestion.leases import Claimed
from app.ingestion.models import Stage
from app.ingestion.progress import Reporter
from app.knowledge.indexing import index_version


async def index(deps: IngestionDeps, claimed: Claimed, reporter: Reporter, version_id: UUID) -> None:
    """Store a version's points. Raises RunCancelled between batches, DependencyDown, NotFound."""
    reporter.enter(Stage.INDEXING, "chunks")

    def on_batch(done: int, total: int) -> None:
        reporter.advance(done, total)
        reporter.check()

    await index_version(deps.database, deps.vectors, claimed.tenant_id, version_id, on_batch=on_batch)
