"""``minirag login``: keep a token for a server, given as it is or made for a person who signs in."""

import socket
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    from app.cli.record import Record


@click.command()
@click.option("--url", help="The server's address. [http://127.0.0.1:8000]")
@click.option("--email", help="Sign in as this person and make a token, instead of giving one.")
@click.option("--token", help="API token; asked for when left out.")
@click.option("--profile", "name", default="default", show_default=True, help="Name to keep it under.")
def login(url: str | None, email: str | None, token: str | None, name: str) -> None:
    """Sign in to a server and remember it."""
    from app.cli.profiles import Profile, load_profiles, profile_path, save_profiles
    from app.cli.record import part
    from app.cli.target import DEFAULT_URL, clean_url

    address = clean_url(url or click.prompt("Server", default=DEFAULT_URL))
    if email:
        token = token_for(address, email, click.prompt("Password", hide_input=True))
    token = (token or click.prompt("API token", hide_input=True)).strip()
    me = who_is(address, token)
    save_profiles(load_profiles().with_entry(name, Profile(address, token)))
    name_of = part(me, "tenant").get("name")
    click.echo(f"Signed in to {name_of or 'the platform'} as profile {name} ({profile_path()}).")


def who_is(url: str, token: str) -> "Record":
    """Whom a token belongs to. Raises Complaint when it is not good."""
    from app.cli.api import Api
    from app.cli.target import Target

    with Api(Target(url, token)) as api:
        return api.get("/v1/me")


def token_for(url: str, email: str, password: str) -> str:
    """An API token of the person's tenant, which outlives the session that makes it. Raises Complaint."""
    from app.cli.api import Api
    from app.cli.target import Target

    with Api(Target(url)) as door:
        session = str(door.post("/v1/auth/login", {"email": email, "password": password})["access_token"])
    with Api(Target(url, session)) as inside:
        made = inside.post("/v1/tokens", {"name": f"minirag on {socket.gethostname()}"[:200], "scopes": ["admin"]})
        return str(made["token"])
