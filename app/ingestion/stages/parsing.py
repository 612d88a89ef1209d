"""Parsing: from bytes to one normalised text with typed blocks, in a process that may be killed."""

from dataclasses import replace

from app.ingestion.deps import IngestionDeps
from app.ingestion.faults import NoText
from app.ingestion.models import Stage
from app.ingestion.progress import Reporter
from app.ingestion.stages.fetching import Material
from app.kit.blocks import ParsedDocument


async def parse(deps: IngestionDeps, reporter: Reporter, material: Material) -> ParsedDocument:
    """Read the upload. Raises DocumentError and its kin, and NoText.

    The result is committed by the next stage, since blocks are not kept: an attempt that dies in between reads again.
    The document's title is the one it has here, whatever the file says, for it is part of what is embedded.
    """
    reporter.enter(Stage.PARSING, "pages")
    parsed = await deps.parser_pool.parse(deps.blobs.path(material.blob_key), material.kind, reporter.advance)
    if not parsed.text.strip():
        raise NoText(_why_empty(parsed))
    pages = max(1, len(parsed.page_starts))
    reporter.set_counts(documents=1, pages=pages)
    reporter.carry(replace(reporter.carried, pages_without_text=parsed.pages_without_text))
    return replace(parsed, title=material.title)


def _why_empty(parsed: ParsedDocument) -> str:
    if parsed.pages_without_text:
        return "None of the document's pages holds text: it looks like a scan. Run it through text recognition (OCR)."
    return "The document was read, but it holds no text."


def name_pages(pages: tuple[int, ...]) -> str:
    """A sentence that names pages, the first twenty of them."""
    shown = ", ".join(str(page) for page in pages[:20])
    more = f" and {len(pages) - 20} more" if len(pages) > 20 else ""
    one = len(pages) == 1
    return (
        f"{'Page' if one else 'Pages'} {shown}{more} {'holds' if one else 'hold'} no text and cannot be found: "
        f"{'it looks' if one else 'they look'} like scans. Run the file through text recognition (OCR) and upload it."
    )
