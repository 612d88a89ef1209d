"""``minirag tenants``: what the operator of an installation does."""

from typing import TYPE_CHECKING

import click

from app.cli.complaints import Complaint
from app.cli.options import as_json, with_platform

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    from app.cli.api import Api
    from app.cli.record import Record


@click.group()
def tenants() -> None:
    """Tenants of this installation (needs the admin key)."""


@tenants.command()
@click.argument("name")
@click.option("--owner", metavar="EMAIL", help="Also make a person who may sign in to the console.")
@click.option("--save/--no-save", default=None, help="Keep the token as a profile. [the first one is kept]")
@click.option("--save-as", metavar="PROFILE", help="Name of that profile. [default, or the tenant's name]")
@as_json
@with_platform
def create(api: "Api", name: str, owner: str | None, save: bool | None, save_as: str | None, as_json: bool) -> None:
    """Make a tenant called NAME, with a knowledge base, a bot and a token."""
    from app.cli.profiles import load_profiles
    from app.cli.screen import plain, show_json

    body: dict[str, object] = {"name": name}
    if owner:
        password = click.prompt(f"Password for {owner}", hide_input=True, confirmation_prompt=True, err=True)
        body["owner"] = {"email": owner, "password": password}
    made = api.post("/v1/tenants", body)
    keep = save if save is not None else bool(save_as) or not load_profiles().entries
    where = _keep(api.target.url, made, save_as) if keep else None
    if as_json:
        show_json(made)
        return
    click.echo(f"Made {plain(made['tenant']['name'])} ({made['tenant']['id']}).")
    click.echo(f"Its token, shown this once: {made['api_token']['token']}")
    click.echo(where or "Use it with --token, or keep it: minirag login")


@tenants.command("list")
@as_json
@with_platform
def list_tenants(api: "Api", as_json: bool) -> None:
    """Show all tenants, newest first."""
    from app.cli.screen import show_json, show_table, when

    found = list(api.items("/v1/tenants"))
    if as_json:
        show_json(found)
        return
    rows = [(item["name"], item["id"], when(item.get("created_at"))) for item in found]
    show_table(("Tenant", "Id", "Made"), rows, nothing="No tenant yet. Make one with: minirag tenants create NAME")


@tenants.command()
@click.argument("tenant_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_platform
def erase(api: "Api", tenant_id: str, yes: bool) -> None:
    """Erase TENANT_ID and everything that belongs to it. There is no way back."""
    from app.cli.record import part
    from app.cli.screen import plain

    name = plain(api.get(f"/v1/tenants/{tenant_id}")["name"])
    if not yes:
        click.confirm(f"Erase {name} with all its documents, chats and vectors for ever?", abort=True)
    receipt = api.delete(f"/v1/tenants/{tenant_id}")
    counts = part(receipt, "erased") or receipt
    click.echo(f"Erased {name}:")
    for kind, count in sorted(counts.items()):
        if isinstance(count, int) and count:
            click.echo(f"  {count:>8} {plain(kind).replace('_', ' ')}")


def _keep(url: str, made: "Record", save_as: str | None) -> str:
    """Save the new token as a profile and make it the one in use; says so in a sentence."""
    from app.cli.profiles import Profile, load_profiles, profile_path, save_profiles

    profiles = load_profiles()
    name = save_as or ("default" if "default" not in profiles.entries else _slug(str(made["tenant"]["name"])))
    try:
        save_profiles(profiles.with_entry(name, Profile(url, made["api_token"]["token"])))
    except Complaint as fault:
        return f"It could not be kept as a profile: {fault.message}"
    return f"Kept as profile {name} in {profile_path()}; commands use it from now on."


def _slug(name: str) -> str:
    """A profile's name made from a tenant's."""
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split())[:64] or "tenant"
