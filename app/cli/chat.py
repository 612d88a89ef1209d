"""``minirag chat``: ask once, or talk."""

from typing import TYPE_CHECKING

import click

from app.cli.options import as_json, with_api

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    from app.cli.api import Api
    from app.cli.conversation import Conversation

HELP = "/new begins anew, /quit ends; Ctrl-C stops an answer."


@click.command()
@click.argument("question", required=False)
@click.option("--bot", metavar="NAME|ID", help="Ask this bot. [the tenant's default]")
@click.option("--chat", "chat_id", metavar="ID", help="Go on with this chat.")
@click.option("--no-cache", is_flag=True, help="Have the answer made anew.")
@as_json
@with_api
def chat(api: "Api", question: str | None, bot: str | None, chat_id: str | None, no_cache: bool, as_json: bool) -> None:
    """Ask QUESTION, or talk when there is none."""
    from app.cli.conversation import Conversation
    from app.cli.lookup import bot_id
    from app.cli.screen import show_json

    if as_json and not question:
        raise click.UsageError("--json is for a single QUESTION.")
    conversation = Conversation(api, bot_id(api, bot) if bot else None, chat_id, use_cache=not no_cache)
    if as_json:
        show_json(api.post("/v1/chat", {**conversation.body(question or ""), "stream": False}))
    elif question:
        if not conversation.ask(question):
            raise SystemExit(1)
    else:
        talk(conversation)


def talk(conversation: "Conversation") -> None:
    """Questions and answers until the person leaves. A failed answer does not end the talk."""
    from app.cli.complaints import Complaint, Refused

    _remember_lines()
    click.secho(HELP, dim=True)
    while (question := _next_question()) is not None:
        if question == "/new":
            conversation.chat_id = None
        elif question.startswith("/"):
            click.secho(HELP, dim=True)
        elif question:
            try:
                conversation.ask(question)
            except Refused as refusal:
                refusal.show()
            except Complaint as fault:
                fault.show()
                return


def _next_question() -> str | None:
    """A line from the person; None when they leave, empty when they thought better of it."""
    try:
        line = input("\n› ").strip()
    except EOFError:
        click.echo()
        return None
    except KeyboardInterrupt:
        click.secho("\nType /quit or press Ctrl-D to leave.", dim=True)
        return ""
    return None if line in {"/quit", "/exit"} else line


def _remember_lines() -> None:
    """Arrow keys and history, where Python was built with them."""
    try:
        import readline
    except ImportError:
        return
    readline.set_history_length(200)
