"""One chat in a terminal: each answer streams, can be stopped, and ends with its footnotes."""

import json
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import click
import httpx

from app.cli.api import Api
from app.cli.complaints import Complaint, Refused
from app.cli.footnotes import footnotes, summary
from app.cli.record import Record
from app.cli.screen import plain
from app.cli.sse import Follower

LAST = frozenset({"done"})


class Answer:
    """What has been seen of one answer."""

    def __init__(self) -> None:
        self.message_id: str | None = None
        self.citations: dict[int, Record] = {}
        self.usage: Record = {}
        self.error: Record | None = None
        self.finish_reason = ""

    def ending(self, event: str, data: Record) -> None:
        """Keep what is shown after the text. Sources are shown when cited; names that are not known are passed over."""
        if event == "usage":
            self.usage = data
        elif event == "error":
            self.error = data
        elif event == "done":
            self.finish_reason = data["finish_reason"]


class Conversation:
    """A chat with a bot; the first answer gives it its id."""

    def __init__(self, api: Api, bot_id: str | None, chat_id: str | None, *, use_cache: bool = True) -> None:
        self.chat_id = chat_id
        self._api = api
        self._bot_id = bot_id
        self._use_cache = use_cache

    def body(self, question: str) -> Record:
        """The request that asks ``question`` in this chat."""
        asked: Record = {"message": question, "bot_id": self._bot_id, "chat_id": self.chat_id}
        return {name: value for name, value in asked.items() if value} | {"use_cache": self._use_cache}

    def ask(self, question: str) -> bool:
        """Ask, show the answer as it comes, then what it rests on; whether it came to a good end.

        Ctrl-C asks the server to stop and shows what there is; a second one leaves at once. Raises Complaint when the
        question is refused or the server is lost.
        """
        answer = Answer()
        follower = Follower(self._connector(question, answer), LAST)
        try:
            self._show(follower, answer)
        except KeyboardInterrupt:
            self._cancel(answer)
            self._show(follower, answer)
        self._finish(answer)
        return answer.error is None

    def _connector(self, question: str, answer: Answer) -> Any:
        """Opens the stream: by asking at first, by coming back to the message once it has one.

        The key makes asking again harmless, if the connection is lost before the message's id is known.
        """
        key = {"Idempotency-Key": secrets.token_hex(16)}
        body = {**self.body(question), "stream": True}

        @contextmanager
        def connect(last_id: str | None) -> Generator[httpx.Response]:
            if answer.message_id is None:
                opened = self._api.stream("POST", "/v1/chat", last_id, json=body, headers=key)
            else:
                opened = self._api.stream("GET", f"/v1/messages/{answer.message_id}/stream", last_id)
            with opened as response:
                yield response

        return connect

    def _show(self, follower: Follower, answer: Answer) -> None:
        for event in follower:
            data = cast("Record", json.loads(event.data))
            match event.event:
                case "started":
                    self.chat_id, answer.message_id = data["chat_id"], data["message_id"]
                case "delta":
                    click.echo(plain(data["text"]), nl=False)
                case "citation":
                    answer.citations.setdefault(data["n"], data)
                case "abstained":
                    click.secho(plain(data["message"]), fg="yellow", nl=False)
                    click.secho(f"\n{plain(data.get('suggestion'))}", dim=True, nl=False)
                case _:
                    answer.ending(event.event, data)

    def _cancel(self, answer: Answer) -> None:
        """Stop the model, not only the screen. An answer that has ended meanwhile needs no stopping."""
        if answer.message_id is None:
            raise Complaint("Stopped before the answer began.")
        try:
            self._api.post(f"/v1/messages/{answer.message_id}/cancel")
        except Refused:
            return

    def _finish(self, answer: Answer) -> None:
        click.echo("\n" if answer.citations else "")
        for line in footnotes(list(answer.citations.values())):
            click.secho(line, fg="cyan")
        if answer.finish_reason == "cancelled":
            click.secho("Stopped.", fg="yellow")
        if answer.finish_reason == "length":
            click.secho("Cut off: the bot's limit of tokens is reached.", fg="yellow")
        if answer.error is not None:
            click.secho(plain(answer.error.get("detail")), fg="red", err=True)
        if answer.usage:
            click.secho(summary(answer.usage), dim=True)
