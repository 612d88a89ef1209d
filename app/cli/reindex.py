"""``minirag reindex``: bring the vector index back from SQL, whatever became of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from app.cli.complaints import Complaint
from app.cli.process import data_dir, read_settings, reason

if TYPE_CHECKING:  # The database and the index are loaded when the work begins.
    from uuid import UUID

    from app.adapters.vector_store import VectorStore
    from app.kit.database import Database
    from app.settings import Settings


@click.command()
@click.option("--knowledge-base", metavar="ID", help="Only this one.")
@data_dir
def reindex(knowledge_base: str | None, data_dir: str | None) -> None:
    """Store the vectors of every active document anew.

    Nothing is embedded again: vectors are kept in the database. With the embedded index, stop the server first.
    """
    import asyncio

    settings = read_settings(data_dir=data_dir)
    documents, points = asyncio.run(_reindex(settings, knowledge_base))
    click.echo(f"Indexed {documents} documents, {points} vectors.")


async def _reindex(settings: "Settings", knowledge_base: str | None) -> tuple[int, int]:
    from sqlalchemy.exc import SQLAlchemyError

    from app.adapters.vector_store import open_vector_store
    from app.kit.database import Database
    from app.kit.errors import AppError
    from app.kit.ids import parse_id

    database = Database(settings.effective_database_url)
    key = settings.qdrant_api_key
    try:
        base_id = parse_id(knowledge_base) if knowledge_base else None
        vectors = await open_vector_store(
            url=settings.qdrant_url,
            api_key=key.get_secret_value() if key else None,
            folder=settings.data_dir / "qdrant",
        )
        try:
            return await rebuild(database, vectors, base_id, _tell)
        finally:
            await vectors.aclose()
    except AppError as fault:
        raise Complaint(fault.detail) from fault
    except (OSError, SQLAlchemyError) as fault:
        raise Complaint(f"The database cannot be read: {reason(fault)}. Is it migrated? minirag migrate") from fault
    finally:
        await database.aclose()


async def rebuild(
    database: "Database", vectors: "VectorStore", base_id: "UUID | None", on_document: Callable[[int, int], None]
) -> tuple[int, int]:
    """Index every active version, of one knowledge base or of all; the documents and points there were.

    A document that is deleted meanwhile is passed over. Raises DependencyDown.
    """
    from app.kit.errors import NotFound
    from app.knowledge.indexing import index_version

    versions = await _active_versions(database, base_id)
    documents, points = 0, 0
    for place, (tenant_id, version_id) in enumerate(versions, start=1):
        try:
            points += (await index_version(database, vectors, tenant_id, version_id)).points
            documents += 1
        except NotFound:
            pass
        on_document(place, len(versions))
    return documents, points


async def _active_versions(database: "Database", base_id: "UUID | None") -> list[tuple["UUID", "UUID"]]:
    from sqlmodel import col, select

    from app.kit.database import EVERY_TENANT
    from app.knowledge.models import Document, DocumentVersion, VersionStatus

    query = (
        select(DocumentVersion.tenant_id, DocumentVersion.id)  # unowned: the operator rebuilds every tenant's index.
        .join(Document, col(Document.id) == col(DocumentVersion.document_id))
        .where(col(DocumentVersion.status) == VersionStatus.ACTIVE)
        .order_by(col(DocumentVersion.id))
    )
    if base_id is not None:
        query = query.where(col(Document.knowledge_base_id) == base_id)
    async with database.reading(EVERY_TENANT) as session:
        return [(tenant_id, version_id) for tenant_id, version_id in (await session.exec(query)).all()]


def _tell(done: int, total: int) -> None:
    if done == total or done % 25 == 0:
        click.echo(f"{done} of {total} documents", err=True)
