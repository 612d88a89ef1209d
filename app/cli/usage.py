"""``minirag usage``: what was used and what it cost."""

from typing import TYPE_CHECKING

import click

from app.cli.options import as_json, with_api

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    from app.cli.api import Api

FIELDS = {"day": "day", "bot": "bot_id", "model": "model", "token": "token_id", "kind": "kind"}
SUMS = ("requests", "prompt_tokens", "completion_tokens", "embedding_tokens", "cost_usd", "cache_hits", "saved_usd")


@click.command()
@click.option("--from", "since", metavar="DATE", help="First day. [of this month]")
@click.option("--to", "until", metavar="DATE", help="Day after the last one.")
@click.option("--by", "group_by", type=click.Choice(tuple(FIELDS)), default="model", show_default=True)
@as_json
@with_api
def usage(api: "Api", since: str | None, until: str | None, group_by: str, as_json: bool) -> None:
    """Show tokens and money used."""
    from app.cli.record import part, parts
    from app.cli.screen import show_json, show_table

    query: dict[str, object] = {"from": since, "to": until, "group_by": group_by}
    report = api.get("/v1/usage", **query)
    if as_json:
        show_json(report)
        return
    named = [(item.get(FIELDS[group_by]) or "(none)", item) for item in parts(report, "items")]
    rows = [(name, *(item.get(column) for column in SUMS)) for name, item in [*named, ("Total", part(report, "total"))]]
    headings = (group_by.capitalize(), *(f"#{column.replace('_', ' ').replace(' usd', ', $')}" for column in SUMS))
    show_table(headings, rows if named else [], nothing="Nothing was used in this time.")
