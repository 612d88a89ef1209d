"""``minirag search``: what the documents say, without an answer."""

from typing import TYPE_CHECKING

import click

from app.cli.options import as_json, knowledge_base, with_api

if TYPE_CHECKING:  # httpx and rich are loaded by the command that needs them.
    from app.cli.api import Api
    from app.cli.record import Record

EXCERPT = 320


@click.command()
@click.argument("query")
@click.option("--limit", "-n", type=click.IntRange(1, 100), default=5, show_default=True)
@knowledge_base
@as_json
@with_api
def search(api: "Api", query: str, limit: int, kb: str | None, as_json: bool) -> None:
    """Find the passages nearest to QUERY."""
    from app.cli.lookup import knowledge_base_id
    from app.cli.record import part
    from app.cli.screen import show_json

    bases = [knowledge_base_id(api, kb)] if kb else None
    found = api.post("/v1/search", {"query": query, "limit": limit, "knowledge_base_ids": bases})
    if as_json:
        show_json(found)
        return
    for place, result in enumerate(found["results"], start=1):
        show_result(place, result)
    if not found["results"]:
        click.echo("Nothing found. Is there something to search? minirag sources list")
    elif part(found, "abstain").get("would_abstain"):
        click.secho("The evidence is weak: a bot would not answer from it.", fg="yellow")
    milliseconds = part(found, "timings_ms").get("total")
    if milliseconds is not None:
        click.secho(f"{len(found['results'])} passages in {milliseconds:.0f} ms", dim=True)


def show_result(place: int, result: "Record") -> None:
    """Print one passage with where it stands."""
    from app.cli.screen import plain
    from app.kit.text import excerpt

    click.secho(f"{place}. {where(result['document'].get('title'), result)}", bold=True, nl=False)
    click.secho(f"  {result['score']:.3f}", dim=True)
    click.echo(f"   {excerpt(plain(result['content']), EXCERPT)}\n")


def where(title: object, place: "Record") -> str:
    """A title with its page and headings: ``Handbook, p. 3 › Leave``."""
    from app.cli.screen import plain

    text = plain(title) or "Untitled"
    if place.get("page"):
        text += f", p. {place['page']}"
    headings = [plain(heading) for heading in list[object](place.get("heading_path") or ())]
    return " › ".join([text, *(heading for heading in headings if heading != plain(title))])
