"""The official SDK, which nothing outside this file knows: loading it takes 0.4 s and 8 MB, so it waits for a caller.

Each request has a server, a session and a transport of its own, and gets its answer as one JSON body:

- No session outlives its request, so any web process behind any proxy can answer any call, and a token that was
  revoked, or another tenant's, finds nothing of the caller before it.
- The tools never talk before they are done, so a stream would only add ways to break; and a plain body passes proxies
  that buffer.
- Nothing has to be opened at the start or closed at the end of the process.

Starlette's types stay in here as well.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import anyio
import mcp.types as protocol
import structlog
from litestar.types import Receive, Scope, Send
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import McpError

from app import __version__
from app.ingestion.submissions import validated
from app.kit.errors import AppError
from app.kit.schema import Schema
from app.protocols.mcp.arguments import AddTextArguments, AskArguments, ListSourcesArguments, SearchArguments
from app.protocols.mcp.results import ToolResult
from app.protocols.mcp.toolbox import Toolbox

INSTRUCTIONS: Final = (
    "Knowledge from this organisation's own documents. Use search to read passages and judge for yourself, ask to get "
    "a cited answer, list_sources to see what is known, add_text to teach something new. For a question of several "
    "steps, search for each step."
)


@dataclass(frozen=True, slots=True)
class _Tool:
    """A tool as it is listed and called; ``reads_only`` tells clients that nothing changes by it."""

    run: Callable[[Toolbox, Any], Awaitable[ToolResult]]
    arguments: type[Schema]
    description: str
    reads_only: bool = True

    def listing(self, name: str) -> protocol.Tool:
        """The tool as clients see it."""
        schema = self.arguments.model_json_schema()
        del schema["title"], schema["description"]  # The tool's own say it better.
        hints = protocol.ToolAnnotations(readOnlyHint=self.reads_only, destructiveHint=False, openWorldHint=False)
        return protocol.Tool(name=name, description=self.description, inputSchema=schema, annotations=hints)


_TOOLS: Final = {
    "search": _Tool(
        Toolbox.search,
        SearchArguments,
        "Find the passages of the documents that fit a query best, without an answer.",
    ),
    "ask": _Tool(
        Toolbox.ask,
        AskArguments,
        "Ask a question; the answer is written from the documents and cites them.",
        reads_only=False,
    ),
    "list_sources": _Tool(
        Toolbox.list_sources,
        ListSourcesArguments,
        "List what the documents came from, newest first.",
    ),
    "add_text": _Tool(
        Toolbox.add_text,
        AddTextArguments,
        "Add a text to the documents, so that it can be searched and asked about.",
        reads_only=False,
    ),
}
UNEXPECTED: Final = "An unexpected error. The request id finds it in the server's log: {request_id}"

log = structlog.get_logger(__name__)


def _quieten() -> None:
    """Keep the SDK from writing what callers sent into our log; it does so under its own name and under none."""
    logging.getLogger("mcp").setLevel(logging.ERROR)
    logging.getLogger().addFilter(lambda record: not record.pathname.endswith("mcp/shared/session.py"))


_quieten()  # Once, with the SDK: nobody else has reason to.


async def answer(toolbox: Toolbox, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request whose body has been read; give up when its caller goes."""
    manager = StreamableHTTPSessionManager(_server(toolbox), json_response=True, stateless=True)
    replay = _Replay(body)
    async with anyio.create_task_group() as group:
        group.start_soon(_leave_with_client, receive, group.cancel_scope)
        async with manager.run():
            await manager.handle_request(cast(Any, scope), replay, cast(Any, send))  # The same protocol, typed twice.
        group.cancel_scope.cancel()


def _server(toolbox: Toolbox) -> "Server[Any, Any]":
    server: Server[Any, Any] = Server("minirag", version=__version__, instructions=INSTRUCTIONS)

    listing = [tool.listing(name) for name, tool in _TOOLS.items()]

    async def list_tools(_: protocol.ListToolsRequest) -> protocol.ServerResult:
        return protocol.ServerResult(protocol.ListToolsResult(tools=listing))

    async def call_tool(request: protocol.CallToolRequest) -> protocol.ServerResult:
        tool = _TOOLS.get(request.params.name)
        if tool is None:
            raise McpError(protocol.ErrorData(code=protocol.INVALID_PARAMS, message="There is no tool of this name."))
        result = await _call(tool, toolbox, request.params.arguments or {})
        text = protocol.TextContent(type="text", text=result.text)
        return protocol.ServerResult(
            protocol.CallToolResult(content=[text], structuredContent=result.data, isError=result.is_error)
        )

    server.request_handlers[protocol.ListToolsRequest] = list_tools
    server.request_handlers[protocol.CallToolRequest] = call_tool
    return server


async def _call(tool: _Tool, toolbox: Toolbox, given: dict[str, Any]) -> ToolResult:
    """What the tool gives; a failure is a result too, in words the agent can act on."""
    try:
        return await tool.run(toolbox, validated(tool.arguments, given))
    except AppError as fault:
        if fault.status >= 500:
            log.warning("tool.failed", code=fault.code, detail=fault.detail)
        return ToolResult(fault.detail, is_error=True)
    except Exception as bug:  # The SDK would tell the caller what it says.
        log.error("tool.crashed", exc_info=bug)
        return ToolResult(UNEXPECTED.format(request_id=toolbox.request_id), is_error=True)


class _Replay:
    """A body that has been read, once more; after it nothing comes, since the end of the caller is seen elsewhere."""

    def __init__(self, body: bytes) -> None:
        self._message: dict[str, Any] | None = {"type": "http.request", "body": body, "more_body": False}

    async def __call__(self) -> Any:
        message, self._message = self._message, None
        if message is None:
            await anyio.sleep_forever()
        return message


async def _leave_with_client(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
