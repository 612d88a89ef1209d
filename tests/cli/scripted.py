"""A small HTTP server that answers as it is told, for what a healthy server does not do on demand."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Says:
    """One answer. A list of chunks is sent piece by piece and then cut, as a lost connection would be."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    chunks: Iterable[bytes] | None = None


Answer = Says | Callable[[Asked], Says]


def event(kind: str, data: object, event_id: str) -> bytes:
    """An SSE event."""
    return f"event: {kind}\nid: {event_id}\ndata: {json.dumps(data)}\n\n".encode()


def problem(status: int, detail: str, **more: object) -> Says:
    """A problem+json answer."""
    body = {"type": "/problems/x", "title": "T", "status": status, "detail": detail, "code": "x", "request_id": "r-1"}
    return Says({**body, **more}, status, {"Content-Type": PROBLEM})


class ScriptedServer:
    """Answers each ``METHOD /path`` with the next of its answers, the last one for ever after."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Answer]] = {}
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                script.answer(self)

            do_GET = do_POST = do_DELETE = do_PATCH = handle_one  # noqa: N815  # The base class names them so.

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # The base class names it so.
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(self, call: str, *answers: Answer) -> None:
        """Say how ``call`` is answered."""
        self._answers[call] = list(answers)

    def calls(self, call: str) -> list[Asked]:
        """The requests ``call`` has had."""
        return [asked for asked in self.asked if f"{asked.method} {asked.path.partition('?')[0]}" == call]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(handler.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.command, handler.path, headers, handler.rfile.read(length))
        self.asked.append(asked)
        waiting = self._answers.get(f"{asked.method} {asked.path.partition('?')[0]}")
        if not waiting:
            said: Answer = problem(404, f"Nothing is scripted for {asked.method} {asked.path}.")
        else:
            said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        self._send(handler, said(asked) if callable(said) else said)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, says: Says) -> None:
        handler.send_response_only(says.status)  # Without a Date, which a test may want to set.
        if says.chunks is not None:
            handler.send_header("Content-Type", "text/event-stream")
            handler.send_header("Connection", "close")
            handler.end_headers()
            for chunk in says.chunks:
                handler.wfile.write(chunk)
                handler.wfile.flush()
            handler.close_connection = True
            return
        body = says.body if isinstance(says.body, bytes) else json.dumps(says.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **says.headers}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def __enter__(self) -> "ScriptedServer":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
