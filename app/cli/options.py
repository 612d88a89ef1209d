"""Options that many commands share."""

import functools
from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., None]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
data_dir = click.option("--data-dir", metavar="FOLDER", help="The server's data folder, which holds its admin key.")
knowledge_base = click.option("--kb", metavar="NAME|ID", help="Only this knowledge base.")


def target_options(command: Command) -> Command:
    """Add ``--profile``, ``--url`` and ``--token``."""
    command = click.option("--token", help="API token. [MINIRAG_TOKEN]")(command)
    command = click.option("--url", help="The server's address. [MINIRAG_URL]")(command)
    return click.option("--profile", metavar="NAME", help="Profile to use.")(command)


def with_api(command: Command) -> Command:
    """Add those options and hand the command an open ``api`` in their place."""

    @functools.wraps(command)
    def run(profile: str | None, url: str | None, token: str | None, **others: Any) -> None:
        from app.cli.api import Api
        from app.cli.target import find_target

        with Api(find_target(profile, url, token)) as api:
            command(api=api, **others)

    return target_options(run)


def with_platform(command: Command) -> Command:
    """The same for the platform's operator: ``api`` holds the admin key, wherever it was found."""

    @functools.wraps(command)
    def run(profile: str | None, url: str | None, token: str | None, data_dir: str | None, **others: Any) -> None:
        from app.cli.admin_key import find_admin_key
        from app.cli.api import Api
        from app.cli.target import Target, find_target

        target = find_target(profile, url, token)
        with Api(Target(target.url, token or find_admin_key(target, data_dir))) as api:
            command(api=api, **others)

    return data_dir(target_options(run))
