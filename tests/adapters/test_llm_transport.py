"""Our HTTP/1.1 under httpx: bodies of every kind, broken servers, TLS, back-pressure and the pool."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.adapters.provider_connection import BUFFER_LIMIT_BYTES
from app.adapters.provider_transport import AsyncioTransport
from tests.support.raw_server import answer, raw_server

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=AsyncioTransport(), timeout=5) as opened:
        yield opened


@pytest.mark.parametrize(
    "reply",
    [
        [answer(b"hello")],
        [CHUNKED, b"3\r\nhel\r\n", b"2\r\nlo\r\n0\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", answer(b"hello")],
        [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + answer(b"hello")],
        [b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"],
        [b"HTTP/1.0 200 OK\r\n\r\nhello"],
    ],
)
async def test_a_body_of_every_kind_is_read(client: httpx.AsyncClient, reply: list[bytes]) -> None:
    async with raw_server(*reply, close=True) as server:
        found = await client.post(server.url(), json={"a": 1})
    assert (found.status_code, found.text) == (200, "hello")
    assert server.heard[0].startswith(b"POST / HTTP/1.1\r\n")
    assert server.heard[0].endswith(b'\r\n\r\n{"a":1}')


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"nonsense\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-filler: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
)
async def test_a_broken_answer_is_an_error(client: httpx.AsyncClient, reply: bytes) -> None:
    async with raw_server(reply, close=True) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(server.url())


async def test_a_connection_is_used_again_until_the_server_closes_it(client: httpx.AsyncClient) -> None:
    async with raw_server(answer(b"x")) as server:
        await client.get(server.url())
        await client.get(server.url())
        assert server.connections == 1
        port = server.port
    await asyncio.sleep(0.01)
    with pytest.raises(httpx.ConnectError):
        await client.get(f"http://localhost:{port}")


@pytest.mark.parametrize("more", ["connection: close\r\n", ""])
async def test_a_connection_the_server_gave_up_is_not_used_again(client: httpx.AsyncClient, more: str) -> None:
    async with raw_server(answer(b"x", more=more), close=not more) as server:
        await client.get(server.url())
        await asyncio.sleep(0.02)
        await client.get(server.url())
        assert server.connections == 2


async def test_an_answer_left_in_the_middle_closes_its_connection(client: httpx.AsyncClient) -> None:
    async with raw_server(CHUNKED, b"1\r\nx\r\n") as server:
        async with client.stream("GET", server.url()) as response:
            assert response.status_code == 200
        async with client.stream("GET", server.url()) as response:
            assert await anext(response.aiter_raw()) == b"x"
        assert server.connections == 2


async def test_cancelling_before_the_head_closes_the_connection(client: httpx.AsyncClient) -> None:
    async with raw_server() as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.get(server.url())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.get(server.url())
        assert server.connections == 2


async def test_a_reader_who_waits_holds_the_sender_back(client: httpx.AsyncClient) -> None:
    piece = b"x" * 1_000_000
    async with (
        raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 40000000\r\n\r\n", *[piece] * 40) as server,
        client.stream("GET", server.url()) as response,
    ):
        await asyncio.sleep(0.2)
        sizes = [len(part) async for part in response.aiter_raw()]
    assert sum(sizes) == 40_000_000
    assert max(sizes) < 3 * BUFFER_LIMIT_BYTES


async def test_closing_the_client_ends_streams_under_way() -> None:
    client = httpx.AsyncClient(transport=AsyncioTransport(), timeout=5)
    async with raw_server(CHUNKED, b"1\r\nx\r\n") as server, client.stream("GET", server.url()) as response:
        parts = response.aiter_raw()
        await anext(parts)
        await client.aclose()
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(parts)


async def test_tls_is_spoken_and_certificates_are_checked(tmp_path: Path) -> None:
    serving, trusting = _self_signed(tmp_path)
    async with raw_server(answer(b"secret"), tls=serving) as server:
        async with httpx.AsyncClient(transport=AsyncioTransport(trusting)) as client:
            assert (await client.get(server.url("https"))).text == "secret"
        async with httpx.AsyncClient(transport=AsyncioTransport()) as client:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await client.get(server.url("https"))


def _self_signed(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(key_pem + pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "both.pem")
    return serving, ssl.create_default_context(cadata=pem.decode())
