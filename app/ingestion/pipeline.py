"""The order of a run's stages, and nothing else.

    fetching → parsing → chunking → embedding → indexing → activating

What an attempt finds done is not done again, and SQL says what that is, not the stage the last one reached: chunks
that are stored are not cut again, vectors that are kept are not bought again, points overwrite themselves.
"""

from collections.abc import Mapping
from uuid import UUID

from app.ingestion.deps import IngestionDeps
from app.ingestion.endings import SKIPPED, Ending
from app.ingestion.faults import Fault
from app.ingestion.leases import Claimed
from app.ingestion.models import RunStatus, Stage
from app.ingestion.progress import Reporter
from app.ingestion.schemas import RunError
from app.ingestion.stages.activating import ROUNDS, activate, complete
from app.ingestion.stages.chunking import cut
from app.ingestion.stages.embedding import embed
from app.ingestion.stages.fetching import Material, fetch
from app.ingestion.stages.indexing import index
from app.ingestion.stages.parsing import name_pages, parse
from app.knowledge.versions import VersionNotReady


async def ingest(deps: IngestionDeps, claimed: Claimed, reporter: Reporter) -> Ending:
    """Take a run from where it is to its end; raises the fault that stands in the way."""
    reporter.enter(Stage.FETCHING)
    material = await fetch(deps, claimed)
    if material.unchanged and not claimed.force:
        return SKIPPED
    version_id = await _read(deps, claimed, reporter, material)
    failed = await embed(deps, claimed, reporter, material.knowledge_base_id, version_id)
    await _publish(deps, claimed, reporter, version_id)
    return _judge(reporter, failed)


async def _read(deps: IngestionDeps, claimed: Claimed, reporter: Reporter, material: Material) -> UUID:
    if material.version_id is not None and material.is_cut:
        return material.version_id
    parsed = await parse(deps, reporter, material)
    return await cut(deps, claimed, reporter, material, parsed)


async def _publish(deps: IngestionDeps, claimed: Claimed, reporter: Reporter, version_id: UUID) -> None:
    if not claimed.activate:
        await complete(deps, claimed, reporter, version_id)
        return
    for _ in range(ROUNDS):
        await index(deps, claimed, reporter, version_id)
        if await activate(deps, claimed, reporter, version_id):
            return
    raise VersionNotReady("The document's points were removed from the index while it was being activated. Retry it.")


def _judge(reporter: Reporter, failed: Mapping[str, Fault]) -> Ending:
    """Whether anything of the document is missing from the index."""
    pages = reporter.carried.pages_without_text
    if failed:
        sentences = " ".join(f"{model} failed: {fault.message}" for model, fault in failed.items())
        error = RunError(code="embedding_failed", message=sentences, stage=Stage.EMBEDDING)
    elif pages:
        error = RunError(code="pages_without_text", message=name_pages(pages), stage=Stage.PARSING)
    else:
        return Ending(RunStatus.SUCCEEDED)
    return Ending(RunStatus.PARTIAL, error)
