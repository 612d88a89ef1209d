"""The HTTP API as commands use it: JSON in, JSON out, and a sentence when it says no."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import httpx

from app.cli.complaints import Complaint, Refused, Unreachable
from app.cli.record import Record, parts
from app.cli.target import Target

CONNECT_S = 5.0
ANSWER_S = 120.0
QUIET_S = 45.0
"""The server pings an open stream every 15 seconds; after three of those it is gone."""
PAGE = 200
UNAUTHORIZED = 401
SERVER_ERROR = 500


class Api:
    """A client for one server. Safe to share between threads; close it at the end."""

    def __init__(self, target: Target) -> None:
        headers = {"User-Agent": "minirag-cli", "Accept": "application/json"}
        if target.token:
            headers["Authorization"] = f"Bearer {target.token}"
        self.target = target
        self._client = httpx.Client(
            base_url=target.url,
            headers=headers,
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            trust_env=not target.is_local,  # A proxy is of no use on the way to this machine.
        )

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_outcome: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def get(self, path: str, **query: object) -> Record:
        """Read a thing. Raises Complaint, as all of these do."""
        return _record(self.request("GET", path, params=_given(query)))

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Record:
        """Make a thing or start something."""
        return _record(self.request("POST", path, json=None if body is None else _given(body)))

    def delete(self, path: str) -> Record:
        """Remove a thing; the receipt, where there is one."""
        return _record(self.request("DELETE", path))

    def items(self, path: str, *, most: int | None = None, **query: object) -> Iterator[Record]:
        """The items of a list, page after page, at most ``most`` of them."""
        cursor: object = None
        left = most
        while left is None or left > 0:
            page = self.get(path, **query, limit=min(PAGE, left or PAGE), cursor=cursor)
            found = parts(page, "items")
            yield from found
            left = None if left is None else left - len(found)
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request. Raises Refused for a problem and Unreachable when nobody answers."""
        try:
            response = self._client.request(method, path, **options)
        except httpx.ConnectError as fault:
            raise self._unreachable() from fault
        except httpx.TransportError as fault:
            raise Complaint(f"{self.target.url} broke off the request ({type(fault).__name__}).") from fault
        self._check(response)
        return response

    @contextmanager
    def stream(self, method: str, path: str, last_id: str | None = None, **options: Any) -> Generator[httpx.Response]:
        """Open a stream of events after ``last_id``. Raises what ``request`` does, but httpx's own for a lost one."""
        headers = {"Accept": "text/event-stream", **options.pop("headers", {})}
        if last_id:
            headers["Last-Event-ID"] = last_id
        timeout = httpx.Timeout(QUIET_S, connect=CONNECT_S)
        try:
            with self._client.stream(method, path, headers=headers, timeout=timeout, **options) as response:
                if response.is_error:
                    response.read()
                self._check(response)
                yield response
        except httpx.ConnectError as fault:
            if last_id is not None:  # It was there a moment ago: whoever follows may try again.
                raise
            raise self._unreachable() from fault

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        if response.is_redirect:
            raise Complaint(f"{self.target.url} sends elsewhere ({response.headers.get('location')}); is it MiniRAG?")
        problem = _problem(response)
        detail = str(problem.get("detail") or problem.get("title") or f"HTTP {response.status_code}")
        others = [f"{field['path']}: {field['message']}" for field in parts(problem, "errors")]
        lines = [detail, *(line for line in others if line not in detail)]
        if response.status_code == UNAUTHORIZED and self.target.token is None:
            lines.append("Sign in with `minirag login`, or make a tenant with `minirag tenants create NAME`.")
        if response.status_code >= SERVER_ERROR and problem.get("request_id"):
            lines.append(f"The server's log has it under {problem['request_id']}.")
        raise Refused("\n  ".join(lines), status=response.status_code, code=str(problem.get("code", "")))

    def _unreachable(self) -> Unreachable:
        if self.target.is_local:
            return Unreachable(f"No server answers at {self.target.url}. Start one with `minirag serve`.")
        return Unreachable(f"No server answers at {self.target.url}. Is the address right, and is it running?")


def _given(values: Mapping[str, object]) -> dict[str, Any]:
    """Without what was left out: the API knows no null for "not said"."""
    return {name: value for name, value in values.items() if value is not None}


def _record(response: httpx.Response) -> Record:
    if not response.content:
        return {}
    try:
        return cast("Record", response.json())
    except ValueError as fault:
        raise Complaint(f"{response.url} did not answer with JSON; is it MiniRAG?") from fault


def _problem(response: httpx.Response) -> Record:
    try:
        body = response.json()
    except ValueError:
        return {}
    return cast("Record", body) if isinstance(body, dict) else {}
