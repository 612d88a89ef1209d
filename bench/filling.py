"""A knowledge of thousands of chunks in no time: stored and indexed by the service's own functions, vectors made up.

Everything is as an ingestion would have left it, but for the vectors, which are random and of length one: embedding
ten thousand passages would take minutes and change nothing about the cost of a search.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.chunking.drafts import ChunkDraft, ParentDraft
from app.kit.blocks import BlockKind
from app.kit.ids import new_id
from app.kit.ownership import owned_by
from app.knowledge.embeddings import mark_embedded, store_vectors
from app.knowledge.indexing import index_version
from app.knowledge.intake import Received
from app.knowledge.model_list import EMBEDDED
from app.knowledge.models import Chunk, SourceType
from app.knowledge.sources import SourceDraft, attach_upload, find_or_create_source
from app.knowledge.versions import activate_version, begin_version, complete_version, ensure_document, store_chunks
from app.lifecycle import Lifecycle
from app.migrate import upgrade
from app.parsing.media import MediaType
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from bench import corpus

CHUNKS_EACH = 50
CHUNK_CHARACTERS = 1000
PARENT_CHUNKS = 3


@dataclass(frozen=True, slots=True)
class Filled:
    """A tenant with its documents in place."""

    tenant_id: UUID
    token: str
    knowledge_base_id: UUID


async def fill(data: Path, tenants: int, chunks: int) -> list[Filled]:
    """A data folder in which ``tenants`` tenants share ``chunks`` chunks evenly."""
    settings = Settings(_env_file=None, data_dir=data)  # pyright: ignore[reportCallIssue]  # The library adds it.
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    await upgrade(settings.effective_database_url)
    async with open_runtime(settings) as runtime:
        return [await _tenant(runtime, number, chunks // tenants) for number in range(tenants)]


async def _tenant(runtime: Runtime, number: int, chunks: int) -> Filled:
    lifecycle = Lifecycle(runtime.database, runtime.vectors, runtime.blobs, runtime.secrets, runtime.freshness)
    founded = await lifecycle.found(f"Tenant {number}", None)
    filled = Filled(founded.tenant.id, founded.api_token, founded.knowledge_base_id)
    for document in range(max(1, chunks // CHUNKS_EACH)):
        await _document(runtime, filled, f"{number}-{document}", min(chunks, CHUNKS_EACH))
    return filled


async def _document(runtime: Runtime, filled: Filled, name: str, chunks: int) -> None:
    tenant_id = filled.tenant_id
    text, parents, drafts = _cut(random.Random(name), chunks)
    async with runtime.database.transaction(tenant_id) as session:
        draft = SourceDraft(filled.knowledge_base_id, SourceType.TEXT, title=f"Manual {name}", external_id=name)
        source = (await find_or_create_source(session, tenant_id, draft)).source
        received = Received(f"{tenant_id}/bench/{name}", name, MediaType.TXT.value, len(text), f"{name}.txt")
        upload = await attach_upload(session, tenant_id, source.id, received)
        document = await ensure_document(session, tenant_id, source, upload.file_name, source.title)
        version = await begin_version(session, tenant_id, document_id=document.id, upload=upload, run_id=new_id())
        await store_chunks(session, tenant_id, version, text, [], [], parents, drafts)
        stored = (await session.exec(owned_by(tenant_id, Chunk).where(Chunk.version_id == version.id))).all()
        vectors = unit_vectors(name, len(stored))
        rows = [(chunk.text_hash, vector, 0) for chunk, vector in zip(stored, vectors, strict=True)]
        await store_vectors(session, tenant_id, EMBEDDED.model, rows)
        await mark_embedded(session, tenant_id, version.id, EMBEDDED.model, [chunk.id for chunk in stored])
        await complete_version(session, tenant_id, version.id)
    await index_version(runtime.database, runtime.vectors, tenant_id, version.id)
    async with runtime.database.transaction(tenant_id) as session:
        await activate_version(session, runtime.recorder, tenant_id, version.id)


def unit_vectors(seed: str, count: int) -> NDArray[np.float32]:
    """So many vectors of length one, the same for the same seed."""
    chance = np.random.default_rng(list(seed.encode()))
    vectors = chance.standard_normal((count, EMBEDDED.dimension), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _cut(chance: random.Random, chunks: int) -> tuple[str, Sequence[ParentDraft], Sequence[ChunkDraft]]:
    pieces = [corpus.prose(chance, CHUNK_CHARACTERS) + "\n\n" for _ in range(chunks)]
    starts = [sum(map(len, pieces[:at])) for at in range(chunks + 1)]
    drafts = [
        ChunkDraft(
            ordinal=at,
            content=piece,
            prefix="",
            char_start=starts[at],
            char_end=starts[at + 1],
            page=None,
            heading_path=(f"Section {at}",),
            token_count=len(piece) // 4,
            parent=at // PARENT_CHUNKS,
            kind=BlockKind.PARAGRAPH,
        )
        for at, piece in enumerate(pieces)
    ]
    parents = [
        ParentDraft(at // PARENT_CHUNKS, starts[at], starts[min(at + PARENT_CHUNKS, chunks)], ("Sections",))
        for at in range(0, chunks, PARENT_CHUNKS)
    ]
    return "".join(pieces), parents, drafts
