"""The ``minirag`` command and its parts, in the order people meet them."""

import click

from app import __version__
from app.cli.chat import chat
from app.cli.demo.command import demo
from app.cli.doctor import doctor
from app.cli.documents import documents
from app.cli.init import init
from app.cli.keys import keys
from app.cli.login import login
from app.cli.process import migrate, serve, web, worker
from app.cli.profile import profile
from app.cli.reindex import reindex
from app.cli.runs import runs
from app.cli.search import search
from app.cli.sources import sources
from app.cli.tenants import tenants
from app.cli.tokens import tokens
from app.cli.usage import usage

PARTS = {
    "Run it": (serve, demo, doctor),
    "Use it": (tenants, login, profile, tokens, sources, documents, runs, search, chat, usage),
    "Operate it": (init, web, worker, migrate, keys, reindex),
}


class Parts(click.Group):
    """A group whose help shows its commands by what they are for."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one table for each part."""
        for title, commands in PARTS.items():
            with formatter.section(title):
                formatter.write_dl([(command.name or "", command.get_short_help_str(90)) for command in commands])


def print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the version and end."""
    if wanted and not ctx.resilient_parsing:
        click.echo(f"minirag {__version__}")
        ctx.exit()


@click.group(cls=Parts, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, callback=print_version, expose_value=False, is_eager=True, help="Show it.")
def cli() -> None:
    """Turns documents into cited, streamed answers."""


for part in PARTS.values():
    for command in part:
        cli.add_command(command)


def main() -> None:
    """The entry point of the ``minirag`` command."""
    cli(prog_name="minirag")


if __name__ == "__main__":
    main()
