"""The one HTTP client all direct roads to model providers share.

The environment's proxies and certificates are not read and redirects are not followed: a tenant names the address,
so each way off it would be a way into the network. ``vet`` sees every such address before the first byte leaves.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

import httpx

from app.adapters.provider_errors import StreamCut, error_for_status, message_in, retry_after_s
from app.adapters.provider_transport import AsyncioTransport
from app.kit.errors import ProviderAuthFailed, ProviderError, ProviderTimeout
from app.kit.models import ModelEndpoint

Vet = Callable[[str], Awaitable[None]]

CONNECT_S = 10
DRAIN_S = 0.1
ERROR_BODY_BYTES = 64 * 1024
ANSWER_BYTES = 64 * 1024 * 1024


async def allow_any(url: str) -> None:
    """Vet nothing: for tests and for addresses the operator wrote."""
    del url


class ProviderHttp:
    """A pool of connections to providers. Use it as an async context manager, or call ``aclose``."""

    def __init__(self, *, vet: Vet = allow_any, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.vet = vet
        # Deadlines are ours, per token; httpx would restart its own at every byte, keep-alive comments included.
        timeout = httpx.Timeout(None, connect=CONNECT_S)
        transport = transport or AsyncioTransport()
        self._client = httpx.AsyncClient(
            timeout=timeout, transport=transport, trust_env=False, follow_redirects=False, cookies=None
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    @asynccontextmanager
    async def stream(
        self, endpoint: ModelEndpoint, url: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncGenerator[httpx.Response]:
        """POST a JSON body and give the answer to read as it comes; leaving the block closes the connection.

        Raises the fitting ProviderError for a status other than 2xx, an unreachable provider, and for a connection
        that breaks inside the block. Whatever ``vet`` raises passes through.
        """
        await self.vet(url)
        try:
            async with self._client.stream("POST", url, content=body, headers=_with_type(headers)) as response:
                if not response.is_success:
                    said = message_in(await read_bounded(response, ERROR_BODY_BYTES))
                    wait_s = retry_after_s(response.headers.get("retry-after"))
                    raise error_for_status(endpoint, response.status_code, said, wait_s)
                yield response
        except (UnicodeEncodeError, httpx.LocalProtocolError) as error:
            raise ProviderAuthFailed(f"{endpoint.model}: the key holds characters that no key has.") from error
        except httpx.TimeoutException as error:
            raise ProviderTimeout(f"{endpoint.model}: the provider could not be reached in time.") from error
        except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise ProviderError(f"{endpoint.model}: the provider cannot be reached. Check its address.") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise StreamCut(f"{endpoint.model}: the answer was cut in mid-stream.") from error

    async def post(self, endpoint: ModelEndpoint, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """POST a JSON body and return the whole answer. Raises as ``stream`` does; the caller sets the deadline."""
        async with self.stream(endpoint, url, headers, body) as response:
            answer = await read_bounded(response, ANSWER_BYTES + 1)
        if len(answer) > ANSWER_BYTES:
            raise ProviderError(f"{endpoint.model}: the provider's answer is larger than {ANSWER_BYTES} bytes.")
        return answer


async def body_chunks(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Yield a body's bytes as they come, past httpx's layers of decoding where nothing is encoded."""
    plain = "content-encoding" not in response.headers
    async for chunk in response.aiter_raw() if plain else response.aiter_bytes():
        yield chunk


async def read_bounded(response: httpx.Response, limit_bytes: int) -> bytes:
    """Read a body up to a limit and forget the rest."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size >= limit_bytes:
            break
    return b"".join(parts)[:limit_bytes]


async def drain(chunks: AsyncGenerator[bytes]) -> None:
    """Read the few bytes after a protocol's own end, for only a connection read to its end can be used again."""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in chunks:
                pass


def _with_type(headers: Mapping[str, str]) -> dict[str, str]:
    # Compression is declined: a compressing proxy holds tokens back until its window is full.
    return {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "minirag", **headers}
