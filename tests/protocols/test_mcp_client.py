"""The official MCP client at our door, over real HTTP."""

from typing import Any

from mcp import ClientSession
from mcp.types import CallToolResult, TextContent

from tests.protocols.served import PAID, Served, a_bot, a_token, limit
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def used(session: ClientSession, name: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """What a tool said, in words and as data; it must not have failed."""
    result = await session.call_tool(name, arguments)
    assert not result.isError, text(result)
    assert result.structuredContent is not None
    return text(result), result.structuredContent


async def test_there_are_exactly_four_tools(served: Served, office: Office) -> None:
    async with served.mcp(office.token) as session:
        tools = {tool.name: tool.inputSchema for tool in (await session.list_tools()).tools}
    shapes = {name: (set(schema["properties"]), set(schema.get("required", ()))) for name, schema in tools.items()}
    assert shapes == {
        "search": ({"query", "limit"}, {"query"}),
        "ask": ({"message", "bot_id", "chat_id"}, {"message"}),
        "list_sources": (set(), set()),
        "add_text": ({"title", "content"}, {"title", "content"}),
    }
    assert all(schema["additionalProperties"] is False for schema in tools.values())


async def test_a_text_is_added_found_asked_about_and_listed(served: Served, house: House) -> None:
    office = await house.tenant()
    async with served.mcp(office.token) as session:
        assert (await used(session, "list_sources"))[1] == {"sources": [], "total": 0}
        assert (await used(session, "search", query="salaries"))[0] == "Nothing was found."
        said, added = await used(session, "add_text", title="Pay", content="Salaries are paid on the 25th.")
        assert "can be searched now" in said
        assert added["run"]["status"] == "succeeded"
        again = await used(session, "add_text", title="Pay", content="Salaries are paid on the 25th.")
        assert again[1]["source"]["id"] == added["source"]["id"]
        said, listed = await used(session, "list_sources")
        assert [source["title"] for source in listed["sources"]] == ["Pay"]
        assert added["source"]["id"] in said
        said, found = await used(session, "search", query=PAID, limit=3)
        assert found["results"][0]["source_id"] == added["source"]["id"]
        assert "Salaries are paid on the 25th." in said
        said, answer = await used(session, "ask", message=PAID)
        assert answer["citations"][0]["title"] == "Pay"
        assert answer["answer"] in said
        assert "[1] Pay" in said


async def test_a_conversation_goes_on_with_a_chosen_bot(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    bot = await a_bot(office, provider)
    async with served.mcp(office.token) as session:
        said, first = await used(session, "ask", message="How many days of leave do staff take?", bot_id=bot)
        assert first["chat_id"] in said
        await used(session, "ask", message=PAID, bot_id=bot, chat_id=first["chat_id"])
    assert [turn["role"] for turn in provider.requests[-1].body["messages"]] == ["system", "user", "assistant", "user"]
    assert len((await office.get(f"/v1/chats/{first['chat_id']}/messages"))["items"]) == 4


async def test_an_abstention_is_an_answer_that_says_so(served: Served, house: House) -> None:
    empty = await house.tenant("Empty")
    async with served.mcp(empty.token) as session:
        said, answer = await used(session, "ask", message=PAID)
    assert answer["finish_reason"] == "abstained"
    assert answer["answer"] in said


async def test_what_fails_is_said_in_words_and_marked(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    broken = await a_bot(office, provider, "scripted-500")
    cut = await a_bot(office, provider, "scripted-midstream-500")
    async with served.mcp(office.token) as session:
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("search", {}, "query: Field required"),
            ("search", {"query": "x", "limit": 0}, "limit: "),
            ("search", {"query": "x", "more": 1}, "more: "),
            ("ask", {"message": " "}, "message: "),
            ("ask", {"message": PAID, "bot_id": "nonsense"}, "There is nothing with this id."),
            ("ask", {"message": PAID, "bot_id": broken}, "There is no answer: "),
            ("ask", {"message": PAID, "bot_id": cut}, "broke off here"),
            ("add_text", {"title": "x", "content": " "}, "content: holds no text"),
            ("add_text", {"title": "\x07", "content": "x"}, "title: "),
        ]
        for name, arguments, words in cases:
            result = await session.call_tool(name, arguments)
            assert result.isError, (name, arguments)
            assert words in text(result), (name, text(result))


async def test_another_tenants_knowledge_bots_and_chats_do_not_exist(
    served: Served, house: House, office: Office
) -> None:
    stranger = await house.tenant("Other")
    theirs = await office.chat(PAID)
    async with served.mcp(stranger.token) as session:
        assert (await used(session, "list_sources"))[1]["total"] == 0
        assert (await used(session, "search", query=PAID))[1]["results"] == []
        for arguments in ({"bot_id": office.bot_id}, {"chat_id": theirs["chat_id"]}):
            assert (await session.call_tool("ask", {"message": PAID, **arguments})).isError
        assert (await used(session, "ask", message=PAID))[1]["finish_reason"] == "abstained"


async def test_a_tool_needs_the_scope_of_the_route_behind_it(served: Served, office: Office) -> None:
    calls: dict[str, dict[str, Any]] = {
        "search": {"query": PAID},
        "ask": {"message": PAID},
        "list_sources": {},
        "add_text": {"title": "x", "content": "y"},
    }
    for scopes, allowed in (
        (["chat"], {"ask"}),
        (["chat", "search"], {"ask", "search", "list_sources"}),
        (["chat", "ingest"], {"ask", "list_sources", "add_text"}),
        (["admin"], set(calls)),
    ):
        async with served.mcp(await a_token(office, *scopes)) as session:
            assert len((await session.list_tools()).tools) == 4
            for name, arguments in calls.items():
                result = await session.call_tool(name, arguments)
                assert result.isError == (name not in allowed), (scopes, name)
                assert not result.isError or "needs a token with the scope" in text(result)


async def test_a_token_bound_to_bots_asks_only_those(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    mine = await a_bot(office, provider)
    async with served.mcp(await a_token(office, "chat", bot_ids=[mine])) as session:
        assert (await used(session, "ask", message=PAID))[1]["citations"]
        assert len(provider.requests) == 1
        assert (await session.call_tool("ask", {"message": PAID, "bot_id": office.bot_id})).isError


async def test_calls_count_like_the_requests_they_stand_for(served: Served, office: Office) -> None:
    await limit(office, requests_per_minute=2)
    async with served.mcp(office.token) as session:
        await used(session, "search", query=PAID)
        await used(session, "ask", message=PAID)
        for name, arguments in (("search", {"query": PAID}), ("ask", {"message": PAID})):
            result = await session.call_tool(name, arguments)
            assert result.isError
            assert "requests" in text(result)
        await used(session, "list_sources")
