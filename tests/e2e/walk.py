"""The main job, walked through the door as a person would: from a PDF with a table to a cited, streamed answer."""

from typing import Any

from tests.support.documents import a_pdf
from tests.support.processes import Door

PAGES = [
    "The Watermill Company was founded in 1871 by two sisters. It grinds rye and wheat in the valley of the Lohr.",
    "Visitors are welcome on Saturdays from ten to four. The guided tour lasts ninety minutes and ends in the bakery.",
    "The output of the mill is recorded for each year and each grain in the table on this page.",
    "The miller's pension is paid from the fund of the guild. Apprentices stay for three years and live in the mill.",
]
TABLE = [
    ["Year", "Rye in tonnes", "Wheat in tonnes"],
    ["2019", "412", "655"],
    ["2020", "398", "701"],
    ["2021", "427", "690"],
]
TABLE_PAGE = 3


def walk(admin: Door) -> tuple[Door, dict[str, Any]]:
    """Walk it, asserting every step; the tenant's door and the run, for looking further."""
    door, made = admin.found("Watermill")
    assert door.get("/v1/me")["tenant"]["id"] == made["tenant"]["id"]
    token = door.post("/v1/tokens", {"name": "reader", "scopes": ["search", "chat", "usage", "ingest"]})
    reader = door.again(token["token"])
    run = learn_the_pdf(reader)
    search_finds_the_table(reader)
    answer_cites_the_right_page(reader)
    reload_shows_the_same(reader)
    usage = reader.get("/v1/usage", group_by="kind")
    assert usage["total"]["requests"] == 2
    return reader, run


def learn_the_pdf(door: Door) -> dict[str, Any]:
    body = door.upload("watermill.pdf", a_pdf(PAGES, table=TABLE, table_page=TABLE_PAGE), title="The Watermill")
    run = door.ended(body["run"]["id"])
    assert run["status"] == "succeeded", run
    assert run["counts"]["pages"] == len(PAGES)
    assert door.get(f"/v1/sources/{body['source']['id']}")["status"] == "ready"
    return run


def search_finds_the_table(door: Door) -> None:
    found = door.post("/v1/search", {"query": "tonnes of wheat in 2020"})["results"][0]
    assert "701" in found["content"]
    assert "Wheat in tonnes" in found["content"]


def answer_cites_the_right_page(door: Door) -> None:
    for question, words, page in (
        ("How long does the guided tour last?", "ninety minutes", 2),
        ("How many tonnes of wheat in the year 2020?", "701", TABLE_PAGE),
    ):
        events = door.stream(question)
        assert [event.type for event in events][:2] == ["started", "sources"]
        assert [event.type for event in events][-2:] == ["usage", "done"]
        answer = "".join(event.data["text"] for event in events if event.type == "delta")
        first = next(event.data for event in events if event.type == "citation")
        assert words in answer
        assert (first["page"], first["title"]) == (page, "The Watermill"), first
        assert first["verified"], first


def reload_shows_the_same(door: Door) -> None:
    chats = door.get("/v1/chats")["items"]
    assert len(chats) == 2
    question, answer = door.get(f"/v1/chats/{chats[0]['id']}/messages")["items"]
    assert question["role"] == "user"
    assert answer["citations"]
    assert answer["usage"]["model"] == "extractive"
