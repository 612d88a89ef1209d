"""Talking in a terminal: streaming, footnotes, lost connections, stopping, and answers that go wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Minirag
from tests.cli.scripted import Says, ScriptedServer, event, problem

STARTED = event("started", {"chat_id": "c-1", "message_id": "m-1"}, "1")
HELLO = event("delta", {"text": "Thirty days \x1b[31m[1] and "}, "2")
WORLD = event("delta", {"text": "eight [2]."}, "3")
FIRST = event(
    "citation",
    {
        "n": 1,
        "title": "Hand\x1b]0;x\x07book",
        "page": 3,
        "heading_path": ["Leave"],
        "quote": "thirty",
        "verified": True,
    },
    "4",
)
SECOND = event("citation", {"n": 2, "title": "Rules", "page": None, "heading_path": [], "verified": False}, "5")
USAGE = event(
    "usage",
    {"model": "m", "total_tokens": 9, "cost_usd": "0.01", "estimated": True, "timings_ms": {"first_token": 12.3}},
    "6",
)
PING = b": ping\n\n"


def done(reason: str) -> bytes:
    return event("done", {"message_id": "m-1", "finish_reason": reason}, "9")


def ask(minirag: Minirag, scripted: ScriptedServer, *more: str, say: str | None = None) -> tuple[int, str]:
    result = minirag("chat", *more, "--url", scripted.url, "--token", "t", say=say)
    return result.exit_code, result.output


def test_an_answer_streams_and_ends_with_its_footnotes(minirag: Minirag, scripted: ScriptedServer) -> None:
    scripted.on("POST /v1/chat", Says(chunks=[STARTED, PING, HELLO, FIRST, WORLD, SECOND, USAGE, done("stop")]))
    code, said = ask(minirag, scripted, "How many days?")
    assert code == 0
    lines = said.splitlines()
    assert lines[0] == "Thirty days [31m[1] and eight [2]."
    assert '[1] Hand]0;xbook, p. 3 › Leave: "thirty"' in lines
    assert "[2] Rules (not found word for word)" in lines
    assert lines[-1] == "m · 9 tokens · about $0.01 · 12 ms to the first word"
    assert scripted.asked[0].json() == {"message": "How many days?", "use_cache": True, "stream": True}


def test_a_lost_connection_costs_no_word_and_asks_nothing_twice(minirag: Minirag, scripted: ScriptedServer) -> None:
    scripted.on("POST /v1/chat", Says(chunks=[STARTED, HELLO, WORLD[:10]]))
    scripted.on("GET /v1/messages/m-1/stream", Says(chunks=[WORLD]), Says(chunks=[USAGE, done("stop")]))
    code, said = ask(minirag, scripted, "How?")
    assert (code, said.splitlines()[0]) == (0, "Thirty days [31m[1] and eight [2].")
    assert len(scripted.calls("POST /v1/chat")) == 1
    resumed = [asked.headers["last-event-id"] for asked in scripted.calls("GET /v1/messages/m-1/stream")]
    assert resumed == ["2", "3"]


def test_a_question_whose_answer_never_began_is_asked_again_under_the_same_key(
    minirag: Minirag, scripted: ScriptedServer
) -> None:
    scripted.on("POST /v1/chat", Says(chunks=[PING]), Says(chunks=[STARTED, HELLO, done("stop")]))
    assert ask(minirag, scripted, "How?")[0] == 0
    keys = {asked.headers["idempotency-key"] for asked in scripted.calls("POST /v1/chat")}
    assert len(scripted.calls("POST /v1/chat")) == 2
    assert len(keys) == 1


def test_an_abstention_says_what_to_do(minirag: Minirag, scripted: ScriptedServer) -> None:
    told = event("abstained", {"reason": "no_results", "message": "I found nothing.", "suggestion": "Add it."}, "2")
    scripted.on("POST /v1/chat", Says(chunks=[STARTED, told, done("abstained")]))
    code, said = ask(minirag, scripted, "How?")
    assert code == 0
    assert said.splitlines()[:2] == ["I found nothing.", "Add it."]


def test_a_failed_answer_is_told_and_fails_the_command(minirag: Minirag, scripted: ScriptedServer) -> None:
    failed = event("error", {"detail": "The provider hung up.", "code": "provider_error"}, "3")
    scripted.on("POST /v1/chat", Says(chunks=[STARTED, HELLO, failed, USAGE, done("error")]))
    code, said = ask(minirag, scripted, "How?")
    assert code == 1
    assert "The provider hung up." in said


def test_an_answer_from_the_cache_says_so(minirag: Minirag, scripted: ScriptedServer) -> None:
    usage = event("usage", {"model": "m", "total_tokens": 0, "cache": {"hit": True, "type": "exact"}}, "6")
    scripted.on("POST /v1/chat", Says(chunks=[STARTED, HELLO, usage, done("stop")]))
    assert ask(minirag, scripted, "How?")[1].splitlines()[-1] == "m · from the exact cache"


@pytest.mark.parametrize(("reason", "words"), [("cancelled", "Stopped."), ("length", "Cut off")])
def test_an_answer_that_is_not_whole_says_so(
    minirag: Minirag, scripted: ScriptedServer, reason: str, words: str
) -> None:
    scripted.on("POST /v1/chat", Says(chunks=[STARTED, HELLO, done(reason)]))
    assert words in ask(minirag, scripted, "How?")[1]


def test_a_talk_keeps_its_chat_until_a_new_one_is_wanted(minirag: Minirag, scripted: ScriptedServer) -> None:
    scripted.on("POST /v1/chat", Says(chunks=[STARTED, HELLO, done("stop")]))
    code, said = ask(minirag, scripted, say="One?\n\n/help\nTwo?\n/new\nThree?\n/quit\nFour?\n")
    assert code == 0
    bodies = [asked.json() for asked in scripted.calls("POST /v1/chat")]
    assert [(body["message"], body.get("chat_id")) for body in bodies] == [
        ("One?", None),
        ("Two?", "c-1"),
        ("Three?", None),
    ]
    assert said.count("/quit ends") == 2


def test_a_refused_question_does_not_end_the_talk_and_a_lost_server_does(
    minirag: Minirag, scripted: ScriptedServer
) -> None:
    scripted.on("POST /v1/chat", problem(429, "Too many."), Says(status=302, headers={"Location": "/login"}))
    code, said = ask(minirag, scripted, say="One?\nTwo?\nThree?\n")
    assert code == 0
    assert "Too many." in said
    assert len(scripted.calls("POST /v1/chat")) == 2


def test_the_end_of_input_ends_the_talk(minirag: Minirag, scripted: ScriptedServer) -> None:
    assert ask(minirag, scripted, say="")[0] == 0


def test_a_bot_is_found_by_its_name(minirag: Minirag, scripted: ScriptedServer) -> None:
    bots = [{"id": "b-1", "name": "Help"}, {"id": "b-2", "name": "Sales"}, {"id": "b-3", "name": "sales"}]
    scripted.on("GET /v1/bots", Says({"items": bots, "next_cursor": None}))
    scripted.on("POST /v1/chat", Says(chunks=[STARTED, HELLO, done("stop")]))
    assert ask(minirag, scripted, "How?", "--bot", "help", "--chat", "c-7", "--no-cache")[0] == 0
    asked = scripted.calls("POST /v1/chat")[0].json()
    assert (asked["bot_id"], asked["chat_id"], asked["use_cache"]) == ("b-1", "c-7", False)
    assert "2 bots are called 'Sales'" in ask(minirag, scripted, "How?", "--bot", "Sales")[1]
    assert "there is: Help" in ask(minirag, scripted, "How?", "--bot", "Nobody")[1]


def test_json_is_one_whole_answer(minirag: Minirag, scripted: ScriptedServer) -> None:
    scripted.on("POST /v1/chat", Says({"answer": "Thirty."}))
    _, said = ask(minirag, scripted, "How?", "--json")
    assert json.loads(said) == {"answer": "Thirty."}
    assert scripted.asked[0].json()["stream"] is False
    assert ask(minirag, scripted, "--json")[0] == 2


@pytest.mark.parametrize("ended_meanwhile", [False, True])
def test_ctrl_c_stops_the_model_and_shows_what_there_is(scripted: ScriptedServer, ended_meanwhile: bool) -> None:
    """In a process of its own, because the signal is meant for one."""

    def until_cancelled() -> Iterator[bytes]:
        yield from (STARTED, HELLO)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not scripted.calls("POST /v1/messages/m-1/cancel"):
            time.sleep(0.02)
            yield PING

    scripted.on("POST /v1/chat", Says(chunks=until_cancelled()))
    gone = problem(409, "It has ended.")
    scripted.on("POST /v1/messages/m-1/cancel", gone if ended_meanwhile else Says({}, 202))
    scripted.on("GET /v1/messages/m-1/stream", Says(chunks=[USAGE, done("cancelled")]))
    command = [sys.executable, "-m", "app.cli.main", "chat", "How?", "--url", scripted.url, "--token", "t"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    # A test run in the background of a shell is started with SIGINT ignored, and would hand that on.
    heard = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731  # Run in the child only.
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        preexec_fn=heard,  # noqa: PLW1509  # It takes no lock that a thread could hold.
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(11) == b"Thirty days"
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()
        assert process.wait(20) == 0
    assert "Stopped." in rest
    assert len(scripted.calls("POST /v1/messages/m-1/cancel")) == 1
    assert scripted.calls("GET /v1/messages/m-1/stream")[0].headers["last-event-id"] == "2"
