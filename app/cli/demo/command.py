"""``minirag demo``: a document, a question, and a cited answer, on a server of its own."""

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import click

from app.cli.complaints import Complaint, Refused
from app.cli.options import target_options

if TYPE_CHECKING:  # httpx and rich are loaded when it begins.
    from app.cli.api import Api
    from app.cli.record import Record

QUESTION = "How many days of paid leave does everybody have, and how many can be carried over?"

FIELDS = {"external_id": "minirag-demo-handbook", "title": "Halyard & Wren Handbook"}


@click.command()
@click.option("--question", default=QUESTION, help="Ask something else about the handbook.")
@click.option("--use-profile", is_flag=True, help="Show it on the server in use, and remove the document afterwards.")
@target_options
def demo(question: str, use_profile: bool, profile: str | None, url: str | None, token: str | None) -> None:
    """See a document become a cited answer; leaves nothing behind."""
    if use_profile or profile or url or token:
        _on_running_server(question, profile, url, token)
    else:
        _on_own_server(question)


def _on_own_server(question: str) -> None:
    from app.cli.api import Api
    from app.cli.demo.server import demo_server
    from app.cli.target import Target

    step("Starting a server in a temporary folder: no services, no key")
    with demo_server() as server:
        key = (server.data_dir / "secrets" / "admin_key").read_text(encoding="utf-8").strip()
        step("Making a tenant")
        with Api(Target(server.url, key)) as platform:
            made = platform.post("/v1/tenants", {"name": "Halyard & Wren"})
        with Api(Target(server.url, made["api_token"]["token"])) as tenant:
            _show(tenant, question)
    click.secho("\nThe server is stopped and its folder gone. Keep one running with: minirag serve", dim=True)


def _on_running_server(question: str, profile: str | None, url: str | None, token: str | None) -> None:
    from app.cli.api import Api
    from app.cli.target import find_target

    tenant = Api(find_target(profile, url, token))
    source: Record | None = None
    chat_id: str | None = None
    try:
        source, chat_id = _show(tenant, question)
    finally:
        _remove(tenant, f"/v1/chats/{chat_id}" if chat_id else None)
        _remove(tenant, f"/v1/sources/{source['id']}" if source else None)
        tenant.close()
    click.secho("\nThe handbook and the chat are removed again.", dim=True)


def _show(tenant: "Api", question: str) -> "tuple[Record, str | None]":
    """Feed the handbook and ask; the source and the chat that came of it. Raises Complaint."""
    from app.cli.conversation import Conversation
    from app.cli.feeding import Feeder

    step("Reading a handbook: Markdown, with a table")
    with as_file(files("app.cli.demo") / "handbook.md") as handbook:
        (fed,) = Feeder(tenant, FIELDS, wait=True).feed([handbook])
    if fed.source is None or fed.has_failed:
        raise Complaint(f"The handbook could not be read: {fed.reason}")
    step(f"Asking: {question}")
    conversation = Conversation(tenant, None, None, use_cache=False)
    conversation.ask(question)
    return fed.source, conversation.chat_id


def step(sentence: str) -> None:
    """Say what happens next."""
    click.secho(f"\n▸ {sentence}", bold=True)


def _remove(tenant: "Api", path: str | None) -> None:
    if path is None:
        return
    try:
        tenant.delete(path)
    except Refused as refusal:
        click.secho(f"{path} stays: {refusal.message}", fg="yellow", err=True)
