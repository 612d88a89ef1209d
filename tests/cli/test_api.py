"""How the command speaks to a server, and what it says when the server says no."""

import socket

import pytest

from app.cli.api import Api
from app.cli.complaints import Complaint, Refused, Unreachable
from app.cli.target import Target
from tests.cli.conftest import Minirag
from tests.cli.scripted import Asked, Says, ScriptedServer, problem


def test_pages_are_read_to_the_end(scripted: ScriptedServer) -> None:
    pages = {"": ([1, 2], "next"), "next": ([3], None)}

    def page(asked: Asked) -> Says:
        cursor = asked.path.partition("cursor=")[2]
        numbers, following = pages[cursor]
        return Says({"items": [{"n": number} for number in numbers], "next_cursor": following})

    scripted.on("GET /v1/things", page)
    with Api(Target(scripted.url, "mr_x")) as api:
        assert [item["n"] for item in api.items("/v1/things")] == [1, 2, 3]
        assert [item["n"] for item in api.items("/v1/things", most=2)] == [1, 2]
    assert scripted.asked[0].headers["authorization"] == "Bearer mr_x"


def test_a_problem_becomes_its_own_sentence_and_the_wrong_fields(scripted: ScriptedServer, minirag: Minirag) -> None:
    wrong = [{"path": "query", "message": "must not be empty"}, {"path": "limit", "message": "must be below 101"}]
    scripted.on("POST /v1/search", problem(422, "query: must not be empty", errors=wrong))
    result = minirag("search", "", "--url", scripted.url, "--token", "t")
    assert result.exit_code == 1
    assert result.output == "query: must not be empty\n  limit: must be below 101\n"


def test_who_has_no_token_is_told_how_to_get_one(scripted: ScriptedServer, minirag: Minirag) -> None:
    scripted.on("GET /v1/usage", problem(401, "A token is needed."))
    assert "minirag login" in minirag("usage", "--url", scripted.url).output


def test_a_bug_of_the_server_is_told_with_the_id_that_finds_it(scripted: ScriptedServer, minirag: Minirag) -> None:
    scripted.on("GET /v1/usage", problem(500, "An unexpected error."))
    assert "r-1" in minirag("usage", "--url", scripted.url, "--token", "t").output


def test_a_server_that_is_not_there_is_told_with_how_to_start_it(minirag: Minirag) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        result = minirag("usage", "--url", f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert result.exit_code == 1
    assert "minirag serve" in result.output


def test_a_far_server_that_is_not_there_is_no_reason_to_start_one() -> None:
    with Api(Target("http://minirag.invalid")) as api, pytest.raises(Unreachable, match="Is the address right"):
        api.get("/v1/me")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Says(b"<html>", headers={"Content-Type": "text/html"}), "is it MiniRAG"),
        (Says(status=302, headers={"Location": "https://login.example"}), "sends elsewhere"),
        (Says(b"Bad gateway", 502, {"Content-Type": "text/plain"}), "HTTP 502"),
        (Says(["not", "a", "problem"], 500), "HTTP 500"),
    ],
)
def test_what_is_not_minirag_is_not_taken_for_it(scripted: ScriptedServer, answer: Says, sentence: str) -> None:
    scripted.on("GET /v1/me", answer)
    with Api(Target(scripted.url)) as api, pytest.raises(Complaint, match=sentence):
        api.get("/v1/me")


def test_a_connection_lost_in_an_answer_is_told(scripted: ScriptedServer) -> None:
    scripted.on("GET /v1/me", Says(b"{", headers={"Content-Length": "100", "Connection": "close"}))
    with Api(Target(scripted.url)) as api, pytest.raises(Complaint, match="broke off"):
        api.get("/v1/me")


def test_refusals_carry_the_servers_own_words(scripted: ScriptedServer) -> None:
    scripted.on("DELETE /v1/sources/1", problem(404, "There is no source with this id.", code="not_found"))
    with Api(Target(scripted.url, "t")) as api:
        with pytest.raises(Refused) as refused:
            api.delete("/v1/sources/1")
        assert (refused.value.status, refused.value.code) == (404, "not_found")
