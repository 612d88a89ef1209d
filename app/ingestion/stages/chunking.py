"""Chunking: from blocks to chunks, and both into the database together with the version they belong to."""

import asyncio
from uuid import UUID

import structlog

from app.chunking.chunk import chunk
from app.chunking.drafts import Chunked
from app.ingestion.deps import IngestionDeps
from app.ingestion.faults import NoText
from app.ingestion.leases import Claimed
from app.ingestion.models import Stage
from app.ingestion.progress import Reporter
from app.ingestion.stages.fetching import Material
from app.kit.blocks import ParsedDocument
from app.kit.ownership import get_owned
from app.knowledge.chunks import store_chunks
from app.knowledge.documents import ensure_document
from app.knowledge.models import Source, Upload
from app.knowledge.versions import begin_version

log = structlog.get_logger(__name__)


async def cut(
    deps: IngestionDeps, claimed: Claimed, reporter: Reporter, material: Material, parsed: ParsedDocument
) -> UUID:
    """Cut a document and store document, version, text and chunks in one transaction; returns the version's id.

    Raises NoText when nothing is left to embed, LeaseLost, and NotFound when the source is gone.
    """
    reporter.enter(Stage.CHUNKING, "chunks")
    chunked = await asyncio.to_thread(chunk, parsed, material.policy, deps.count_tokens)
    if not chunked.chunks:
        raise NoText("The document was read, but it holds no text.")
    _tell_oversized(claimed, chunked)
    reporter.check()
    return await _store(deps, claimed, reporter, material, parsed, chunked)


async def _store(
    deps: IngestionDeps,
    claimed: Claimed,
    reporter: Reporter,
    material: Material,
    parsed: ParsedDocument,
    chunked: Chunked,
) -> UUID:
    tenant_id = claimed.tenant_id
    reporter.set_counts(chunks=len(chunked.chunks))
    async with deps.database.transaction(tenant_id) as session:
        await reporter.save(session)
        source = await get_owned(session, tenant_id, Source, claimed.source_id)
        upload = await get_owned(session, tenant_id, Upload, material.upload_id)
        document = await ensure_document(session, tenant_id, source, material.uri, material.title)
        version = await begin_version(session, tenant_id, document_id=document.id, upload=upload, run_id=claimed.run_id)
        await store_chunks(
            session,
            tenant_id,
            version,
            parsed.text,
            parsed.page_starts,
            parsed.warnings,
            chunked.parents,
            chunked.chunks,
        )
        return version.id


def _tell_oversized(claimed: Claimed, chunked: Chunked) -> None:
    if chunked.oversized:
        # Single table rows, which are never cut. Their text stays out of the log.
        log.info("run.oversized_chunks", run_id=str(claimed.run_id), ordinals=list(chunked.oversized[:20]))
