"""``minirag documents``: what the tenant's sources have become."""

from typing import TYPE_CHECKING

import click

from app.cli.options import as_json, knowledge_base, with_api

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    from app.cli.api import Api


@click.group()
def documents() -> None:
    """Documents that answers come from."""


@documents.command("list")
@click.option("--source", metavar="ID", help="Only of this source.")
@click.option("--query", "-q", metavar="WORDS", help="Only with these words in the title.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@knowledge_base
@as_json
@with_api
def list_documents(
    api: "Api", source: str | None, query: str | None, limit: int, kb: str | None, as_json: bool
) -> None:
    """Show documents, newest first."""
    from app.cli.lookup import knowledge_base_id
    from app.cli.screen import show_json, show_table, when

    base = knowledge_base_id(api, kb) if kb else None
    found = list(api.items("/v1/documents", most=limit, source_id=source, q=query, knowledge_base_id=base))
    if as_json:
        show_json(found)
        return
    rows = [
        (item["title"], "yes" if item.get("active_version_id") else "no", when(item.get("updated_at")), item["id"])
        for item in found
    ]
    show_table(
        ("Document", "Searched", "Changed", "Id"), rows, nothing="No documents. Add some: minirag sources add PATH"
    )
