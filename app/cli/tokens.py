"""``minirag tokens``: API tokens of a tenant."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from app.cli.options import as_json, with_api

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    from app.cli.api import Api

SCOPES = ("admin", "ingest", "search", "chat", "usage")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


@click.group()
def tokens() -> None:
    """API tokens of the tenant."""


@tokens.command()
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="What it may do; repeat for more. [chat]"
)
@click.option("--bot", "bots", multiple=True, metavar="NAME|ID", help="Only this bot; repeat for more.")
@click.option("--expires-in", metavar="30d", help="Hours, days or weeks until it ends: 12h, 30d, 4w. [never]")
@click.option("--publishable", is_flag=True, help="For a public page: may only chat, from --origin.")
@click.option("--origin", "origins", multiple=True, metavar="URL", help="Page a publishable token works from.")
@as_json
@with_api
def create(
    api: "Api", name: str, scopes: tuple[str, ...], bots: tuple[str, ...], expires_in: str | None,
    publishable: bool, origins: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Make a token called NAME. It is shown this once."""
    from app.cli.lookup import bot_id
    from app.cli.screen import show_json

    if publishable and not (origins and bots):
        raise click.UsageError("A publishable token needs the --bot it may chat with and the --origin of its page.")
    made = api.post(
        "/v1/tokens",
        {
            "name": name,
            "scopes": list(scopes) or ["chat"],
            "bot_ids": [bot_id(api, bot) for bot in bots] or None,
            "expires_at": expiry(expires_in) if expires_in else None,
            "kind": "publishable" if publishable else None,
            "allowed_origins": list(origins) or None,
        },
    )
    if as_json:
        show_json(made)
    else:
        click.echo(f"{made['token']}\nThis is the only time it is shown.")


@tokens.command("list")
@as_json
@with_api
def list_tokens(api: "Api", as_json: bool) -> None:
    """Show the tenant's tokens."""
    from app.cli.screen import show_json, show_table, when

    found = list(api.items("/v1/tokens"))
    if as_json:
        show_json(found)
        return
    rows = [
        (
            item["name"], f"{item['prefix']}…", ", ".join(item["scopes"]), when(item.get("expires_at")) or "never",
            when(item.get("last_used_at")) or "never", item["id"],
        )
        for item in found
    ]  # fmt: skip
    show_table(("Token", "Begins", "Scopes", "Ends", "Last used", "Id"), rows, nothing="No tokens.")


@tokens.command()
@click.argument("token_id")
@with_api
def revoke(api: "Api", token_id: str) -> None:
    """Make TOKEN_ID worthless at once."""
    api.delete(f"/v1/tokens/{token_id}")
    click.echo("Revoked.")


def expiry(span: str) -> str:
    """The moment ``span`` from now, as the API writes it. Raises UsageError for what is not a span."""
    matched = re.fullmatch(r"(\d{1,5})([hdw])", span.strip().lower())
    if not matched or not int(matched[1]):
        raise click.UsageError("--expires-in is a number of hours, days or weeks: 12h, 30d, 4w.")
    end = datetime.now(UTC) + timedelta(hours=int(matched[1]) * _HOURS[matched[2]])
    return end.isoformat(timespec="seconds").replace("+00:00", "Z")
