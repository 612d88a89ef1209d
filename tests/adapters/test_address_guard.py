"""The ban on private addresses, at sight, behind names, and at the moment of the call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.web_fetch import AddressGuard, FetchRefused, HostUnknown, guarded_transport
from app.adapters.web_fetch.addresses import literal

NOBODY = AddressGuard(frozenset())
PRIVATE_V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
PRIVATE_V6 = [
    "::/128",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "2002::/16",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2001::/32",
    "2001:db8::/32",
    "::ffff:0:0:0/96",
    "::/96",
]


def inside(networks: list[str]) -> st.SearchStrategy[int]:
    """Addresses, as numbers, of one of these networks."""
    parsed = [IPv6Network(each) if ":" in each else IPv4Network(each) for each in networks]
    return st.sampled_from(parsed).flatmap(
        lambda network: st.integers(int(network.network_address), int(network.broadcast_address))
    )


@st.composite
def notations(draw: st.DrawFn, addresses: st.SearchStrategy[int]) -> tuple[int, str]:
    """An IPv4 address in one of the ways the C library and browsers understand."""
    value = draw(addresses)
    parts = draw(st.integers(1, 4))
    numbers = [(value >> (24 - 8 * place)) & 0xFF for place in range(parts - 1)]
    numbers.append(value & (256 ** (5 - parts) - 1))
    styles = ["{}", "0{:o}", "0x{:x}", "0X{:X}", "00{:o}", "0x0{:x}"]
    text = ".".join(draw(st.sampled_from(styles)).format(number) for number in numbers)
    return value, text + draw(st.sampled_from(["", "."]))


@given(notations(inside(PRIVATE_V4)), st.sampled_from(["http", "https", "HTTP"]), st.sampled_from(["", ":80", ":9000"]))
def test_a_private_ipv4_address_is_refused_in_any_notation(written: tuple[int, str], scheme: str, port: str) -> None:
    with pytest.raises(FetchRefused):
        NOBODY.check_literal(f"{scheme}://{written[1]}{port}/path")


@given(notations(st.integers(0, 2**32 - 1)))
def test_every_notation_is_read_as_the_address_it_means(written: tuple[int, str]) -> None:
    assert literal(written[1]) == IPv4Address(written[0])


@given(inside(PRIVATE_V6), st.booleans())
def test_a_private_ipv6_address_is_refused_long_and_short(value: int, exploded: bool) -> None:
    address = IPv6Address(value)
    with pytest.raises(FetchRefused):
        NOBODY.check_literal(f"http://[{address.exploded if exploded else address}]:8080/")


@given(inside(PRIVATE_V4))
def test_a_private_address_embedded_in_ipv6_is_refused(value: int) -> None:
    for text in (f"::ffff:{IPv4Address(value)}", f"::ffff:{value >> 16:x}:{value & 0xFFFF:x}"):
        with pytest.raises(FetchRefused):
            NOBODY.check_literal(f"http://[{text}]/")


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/",
        "https://1.1.1.1:8443/x",
        "http://[2606:4700:4700::1111]/",
        "http://[::ffff:8.8.8.8]/",
        "http://example.com/",
        "https://api.example.com:444/v1?q=1#f",
        "http://münchen.example/",
        "http://1.example/",
        "http://localhost.example.com/",
    ],
)
def test_public_addresses_and_names_pass_at_sight(url: str) -> None:
    NOBODY.check_literal(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com",
        "javascript:alert(1)",
        "//example.com",
        "example.com",
        "",
        "http://",
        "http:///path",
        "http://user:secret@example.com/",
        "http://user@example.com/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://1.1.1.999/",
        "http://0x100000000/",
        "http://08.1.1.1/",
        "http://[::1%25eth0]/",
        "http://[fe80::1%25eth0]/",
        "http://[not]/",
        "http://exa mple.com/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://168.63.129.16/",
        "http://１２７.0.0.1/",
        "http://127。0。0。1/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://example.com\r\n@127.0.0.1/",
    ],
)
def test_what_cannot_or_must_not_be_called_is_refused_at_sight(url: str) -> None:
    with pytest.raises(FetchRefused) as refused:
        NOBODY.check_literal(url)
    assert (refused.value.status, refused.value.code) == (422, "fetch_refused")
    assert "secret" not in refused.value.detail


@given(st.text(max_size=60))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    for url in (text, f"http://{text}/", f"http://{text}@example.com", f"http://[{text}]"):
        try:
            NOBODY.check_literal(url)
        except FetchRefused:
            continue


@pytest.mark.parametrize(
    ("allowed", "passes", "refused"),
    [
        ("127.0.0.1", ["http://127.0.0.1/", "http://127.0.0.1:9000/"], ["http://127.0.0.2/", "http://2130706433/"]),
        ("127.0.0.1:9000", ["http://127.0.0.1:9000/"], ["http://127.0.0.1/", "http://127.0.0.1:9001/"]),
        ("127.0.0.1:443", ["https://127.0.0.1/"], ["http://127.0.0.1/"]),
        ("[::1]:8080", ["http://[::1]:8080/"], ["http://[::1]/"]),
        ("::1", ["http://[::1]/", "http://[::1]:8080/"], ["http://[::2]/"]),
        ("LOCALHOST", ["http://localhost/", "http://LocalHost.:80/"], []),
    ],
)
async def test_what_the_operator_allowed_passes_and_nothing_else_does(
    allowed: str, passes: list[str], refused: list[str]
) -> None:
    guard = AddressGuard(frozenset({allowed}), resolve=answers("127.0.0.1"))
    for url in passes:
        guard.check_literal(url)
        await guard.vet(url)
    for url in refused:
        with pytest.raises(FetchRefused):
            await guard.vet(url)


class answers:  # noqa: N801  # It stands for a function.
    """A resolver that gives one answer after the other, and the last one for ever."""

    def __init__(self, *answers: str) -> None:
        self.left = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        answer = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        return answer.split()


@pytest.mark.parametrize(
    "found", ["127.0.0.1", "10.1.2.3", "::1", "fe80::1%eth0", "::ffff:192.168.1.1", "93.184.216.34 127.0.0.1"]
)
async def test_a_name_with_any_private_address_is_refused_without_saying_which(found: str) -> None:
    guard = AddressGuard(frozenset(), resolve=answers(found))
    with pytest.raises(FetchRefused) as refused:
        await guard.vet("http://name.example/")
    assert found not in refused.value.detail


async def test_a_name_with_public_addresses_passes() -> None:
    guard = AddressGuard(frozenset(), resolve=answers("93.184.216.34 2606:4700::1111 93.184.216.34"))
    await guard.vet("http://name.example/")
    assert await guard.addresses("name.example", 80) == ("93.184.216.34", "2606:4700::1111")


async def test_the_systems_own_names_for_this_machine_are_refused() -> None:
    with pytest.raises(FetchRefused):
        await NOBODY.vet("http://localhost:8000/")


async def test_a_name_that_cannot_be_resolved_is_unknown_not_allowed() -> None:
    async def fails(host: str, port: int) -> list[str]:
        raise OSError

    for guard in (
        AddressGuard(frozenset(), resolve=fails),
        AddressGuard(frozenset({"x.example"}), resolve=answers("")),
    ):
        with pytest.raises(HostUnknown):
            await guard.vet("http://x.example/")
    with pytest.raises(HostUnknown):
        await NOBODY.vet(f"http://{'a' * 64}.example/")


@asynccontextmanager
async def a_server(
    reply: str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
) -> AsyncIterator[tuple[int, list[str]]]:
    """A server on 127.0.0.1 that notes what it was sent; yields its port and the notes."""
    requests: list[str] = []
    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        while head := await reader.read(65536):
            requests.append(head.decode())
            writer.write(reply.encode())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], requests
        await asyncio.gather(*(task for task in serving if task), return_exceptions=True)


async def test_the_transport_connects_to_the_vetted_address_and_keeps_the_name() -> None:
    async with a_server() as (port, requests):
        resolver = answers("127.0.0.1")
        guard = AddressGuard(frozenset({f"inside.example:{port}"}), resolve=resolver)
        async with httpx.AsyncClient(transport=guarded_transport(guard)) as client:
            assert (await client.get(f"http://inside.example:{port}/a")).text == "ok"
            assert (await client.get(f"http://inside.example:{port}/b")).text == "ok"
    assert resolver.asked == 1
    assert f"Host: inside.example:{port}" in requests[0]


async def test_a_name_that_changes_its_mind_after_the_look_is_refused_at_the_call() -> None:
    async with a_server() as (port, requests):
        guard = AddressGuard(frozenset(), resolve=answers("93.184.216.34", "127.0.0.1"))
        url = f"http://rebinding.example:{port}/"
        await guard.vet(url)
        async with httpx.AsyncClient(transport=guarded_transport(guard)) as client:
            with pytest.raises(FetchRefused):
                await client.get(url)
    assert requests == []


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    async with a_server() as (inner, requests):
        reply = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner}/\r\nContent-Length: 0\r\n\r\n"
        async with a_server(reply) as (outer, _):
            guard = AddressGuard(frozenset({f"outer.example:{outer}"}), resolve=answers("127.0.0.1"))
            async with httpx.AsyncClient(transport=guarded_transport(guard), follow_redirects=True) as client:
                with pytest.raises(FetchRefused):
                    await client.get(f"http://outer.example:{outer}/")
    assert requests == []


async def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    async with a_server() as (port, _):
        guard = AddressGuard(frozenset({"two.example"}), resolve=answers("127.0.0.9 127.0.0.1"))
        async with httpx.AsyncClient(transport=guarded_transport(guard)) as client:
            assert (await client.get(f"http://two.example:{port}/")).status_code == 200
    guard = AddressGuard(frozenset({"two.example"}), resolve=answers("127.0.0.9 127.0.0.8"))
    async with httpx.AsyncClient(transport=guarded_transport(guard)) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://two.example:{port}/")


async def test_a_certificate_is_checked_against_the_name_and_not_the_address() -> None:
    async with a_server("not tls at all") as (port, requests):
        guard = AddressGuard(frozenset({"tls.example"}), resolve=answers("127.0.0.1"))
        async with httpx.AsyncClient(transport=guarded_transport(guard)) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"https://tls.example:{port}/")
    assert requests == [] or "tls.example" in requests[0]
