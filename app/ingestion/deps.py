"""What ingestion needs of the rest of the house, handed over once by the runtime."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from app.adapters.blob_store import BlobStore
from app.adapters.embedder.port import Embedder
from app.adapters.event_log import EventLog
from app.adapters.queue import Queue
from app.adapters.vector_store.port import VectorStore
from app.chunking.units import CountTokens
from app.events.service import Recorder
from app.kit.blocks import ParsedDocument
from app.kit.database import Database, Session
from app.parsing.media import MediaType
from app.settings import Settings
from app.tenants.endpoints import EndpointResolver


class Metering(Protocol):
    """The ledger, as far as ingestion writes in it."""

    async def record_embedding(
        self, session: Session, tenant_id: UUID, model: str, tokens: int, estimated: bool, run_id: UUID, once: str
    ) -> None:
        """Write down, within the transaction that stores the vectors, what embedding them used."""
        ...


class Parser(Protocol):
    """Reads documents in processes that may be killed."""

    async def parse(
        self, path: Path, kind: MediaType, on_progress: Callable[[int, int], None] | None = None
    ) -> ParsedDocument:
        """Read a file. Raises DocumentError and its kin. Cancelling it ends the process that reads."""
        ...


@dataclass(frozen=True, slots=True)
class IngestionDeps:
    """Everything a run touches. ``count_tokens`` is called from threads."""

    database: Database
    blobs: BlobStore
    vectors: VectorStore
    embedder: Embedder
    queue: Queue
    event_log: EventLog
    recorder: Recorder
    parser_pool: Parser
    settings: Settings
    endpoints: EndpointResolver
    metering: Metering
    count_tokens: CountTokens
