"""What handlers here are given: adapters behind ports, and text in query parameters."""

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from app.adapters.blob_store import BlobStore
from app.adapters.embedder.port import Embedder
from app.adapters.vector_store.port import VectorStore
from app.kit.errors import Invalid
from app.kit.text import is_printable_name
from app.knowledge.backfill import Backfill
from app.tenants.credentials import AddressGuard

# The framework would check each with isinstance, which protocols do not have; the type checker has done it already.
GivenVectors = NamedDependency[SkipValidation[VectorStore]]
GivenBlobs = NamedDependency[SkipValidation[BlobStore]]
GivenEmbedder = NamedDependency[SkipValidation[Embedder]]
GivenBackfill = NamedDependency[SkipValidation[Backfill]]
GivenGuard = NamedDependency[SkipValidation[AddressGuard]]


def searchable(name: str, text: str) -> str:
    """The text, fit for a database. Raises Invalid for control characters, which PostgreSQL would refuse."""
    if not is_printable_name(text):
        raise Invalid.field(name, "must not hold control characters")
    return text
