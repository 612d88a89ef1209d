"""Which driver is behind the port."""

from pathlib import Path

from app.adapters.vector_store.port import VectorStore


async def open_vector_store(url: str | None, folder: Path, *, api_key: str | None = None) -> VectorStore:
    """A Qdrant server at ``url``, or the index embedded in this process, below ``folder``, where there is no URL.

    The embedded one raises ``IndexLocked`` while another process has it open, and gives back the room of deleted
    points before it returns.
    """
    if url is None:
        from app.adapters.vector_store.edge import EdgeVectorStore  # noqa: PLC0415  # Imported where it is used only.

        edge = EdgeVectorStore(folder)
        await edge.open()
        return edge
    from app.adapters.vector_store.server import ServerVectorStore, connect  # noqa: PLC0415  # 0.6 s and 75 MB.

    return ServerVectorStore(connect(url, api_key))
