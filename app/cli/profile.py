"""``minirag profile``: the servers and tenants a person works with."""

import click

from app.cli.complaints import Complaint


@click.group()
def profile() -> None:
    """Servers and tokens kept on this machine."""


@profile.command("add")
@click.argument("name")
@click.option("--url", required=True, help="The server's address.")
@click.option("--token", help="API token; asked for when left out.")
def add(name: str, url: str, token: str | None) -> None:
    """Keep a server and a token under NAME, and use it from now on."""
    from app.cli.profiles import Profile, load_profiles, profile_path, save_profiles
    from app.cli.target import clean_url

    token = token or click.prompt("API token", hide_input=True)
    save_profiles(load_profiles().with_entry(name, Profile(clean_url(url), token.strip())))
    click.echo(f"Saved profile {name} in {profile_path()}; it is in use.")


@profile.command("list")
def list_profiles() -> None:
    """Show the profiles; an arrow marks the one in use."""
    from app.cli.profiles import load_profiles
    from app.cli.screen import show_table

    profiles = load_profiles()
    rows = [
        ("→" if name == profiles.current else "", name, entry.url, f"{entry.token[:7]}…")
        for name, entry in profiles.entries.items()
    ]
    show_table(("", "Profile", "Server", "Token"), rows, nothing="No profile yet. Make one with: minirag login")


@profile.command()
@click.argument("name")
def use(name: str) -> None:
    """Use profile NAME from now on."""
    from app.cli.profiles import load_profiles, save_profiles

    save_profiles(load_profiles().using(name))
    click.echo(f"Using {name}.")


@profile.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget profile NAME. Its token stays valid until it is revoked."""
    from app.cli.profiles import load_profiles, save_profiles

    profiles = load_profiles()
    if name not in profiles.entries:
        raise Complaint(f"There is no profile {name!r}.")
    save_profiles(profiles.without(name))
    click.echo(f"Forgot {name}.")
