"""Fetching: find the bytes a run is about. Those of files and texts came with the request and are in the blob store.

Sources on the web join here: what they fetch becomes an upload like any other, and the stages after this one need not
know the difference.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col

from app.chunking.policy import ChunkingPolicy
from app.ingestion.deps import IngestionDeps
from app.ingestion.faults import NothingToRead
from app.ingestion.leases import Claimed
from app.kit.database import Session
from app.kit.ownership import get_owned, owned_by, owned_columns
from app.knowledge.identity import has_active_content, newest_upload
from app.knowledge.models import Chunk, DocumentVersion, KnowledgeBase, Source, Upload
from app.knowledge.policies import chunking_of
from app.knowledge.rows import first_of
from app.parsing.media import MediaType


@dataclass(frozen=True, slots=True)
class Material:
    """What a run reads and how it is to be cut. ``unchanged``: an active version was made of the same bytes.

    ``version_id`` is the version an earlier attempt of the run began, ``is_cut`` says that its chunks are stored.
    """

    knowledge_base_id: UUID
    title: str
    uri: str
    upload_id: UUID
    blob_key: str
    kind: MediaType
    policy: ChunkingPolicy
    unchanged: bool
    version_id: UUID | None = None
    is_cut: bool = False


async def fetch(deps: IngestionDeps, claimed: Claimed) -> Material:
    """Raises NothingToRead when the upload is gone, NotFound when the source is."""
    async with deps.database.reading(claimed.tenant_id) as session:
        source = await get_owned(session, claimed.tenant_id, Source, claimed.source_id)
        base = await get_owned(session, claimed.tenant_id, KnowledgeBase, source.knowledge_base_id)
        upload = await _upload(session, claimed)
        version_id, is_cut = await _begun(session, claimed)
        unchanged = version_id is None and await has_active_content(
            session, claimed.tenant_id, source.id, upload.content_hash
        )
    return Material(
        knowledge_base_id=base.id,
        title=source.title,
        uri=source.url or upload.file_name,
        upload_id=upload.id,
        blob_key=upload.blob_key,
        kind=MediaType(upload.media_type),
        policy=chunking_of(base.chunking).policy(),
        unchanged=unchanged,
        version_id=version_id,
        is_cut=is_cut,
    )


async def _upload(session: Session, claimed: Claimed) -> Upload:
    if claimed.upload_id is not None:
        query = owned_by(claimed.tenant_id, Upload).where(col(Upload.id) == claimed.upload_id)
        upload = (await session.exec(query)).first()
    else:
        upload = await newest_upload(session, claimed.tenant_id, claimed.source_id)
    if upload is None:
        raise NothingToRead("The file this run was about has been deleted. Upload it again.")
    return upload


async def _begun(session: Session, claimed: Claimed) -> tuple[UUID | None, bool]:
    """The version an earlier attempt began, and whether its chunks are there."""
    query = owned_by(claimed.tenant_id, DocumentVersion).where(col(DocumentVersion.run_id) == claimed.run_id)
    version = (await session.exec(query)).first()
    if version is None:
        return None, False
    chunks = owned_columns(claimed.tenant_id, Chunk, col(Chunk.id)).where(col(Chunk.version_id) == version.id)
    any_chunk: UUID | None = await first_of(session, chunks.limit(1))
    return version.id, any_chunk is not None
