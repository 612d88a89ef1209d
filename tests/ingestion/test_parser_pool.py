import asyncio
import os
import signal
import socket
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.ingestion.parser_child import serve
from app.ingestion.parser_pool import ParserPool
from app.ingestion.parser_process import ParserGone, ParserProcess
from app.ingestion.parser_protocol import LENGTH_BYTES, ProgressMade, Refused, Request, decode_reply, frame
from app.parsing.errors import (
    DamagedDocument,
    DocumentMemory,
    DocumentTimeout,
    DocumentTooComplex,
    ParserCrashed,
    PasswordNeeded,
)
from app.parsing.limits import ParseLimits
from app.parsing.media import MediaType
from tests.support.documents import a_docx, a_long_pdf, a_markdown, a_pdf, an_epub, an_html

NOTHING = b"<p>a</p>"


@asynccontextmanager
async def a_pool(**given: Any) -> AsyncGenerator[ParserPool]:
    pool = ParserPool(**given)
    try:
        yield pool
    finally:
        await pool.aclose()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def written(body: bytes) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        path.write_bytes(body)
        return path

    return written


async def a_fifo_reader(pool: ParserPool, path: Path) -> "asyncio.Task[object]":
    """A document that never ends, because its bytes never come: the child hangs in it until it is ended."""
    os.mkfifo(path)
    task: asyncio.Task[object] = asyncio.create_task(pool.parse(path, MediaType.TXT))
    await until(lambda: bool(pool._busy))
    return task


def children() -> int:
    """How many parser processes this process has."""
    return len(children_pids())


def children_pids() -> list[str]:
    """The parser processes of this process, which may have children of other kinds as well."""
    listed = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [pid for path in listed for pid in path.read_text().split()]
    return [pid for pid in pids if "parser_child" in _command_of(pid)]


def _command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def test_documents_of_every_kind_come_back_whole(write: Callable[[bytes], Path]) -> None:
    async with a_pool() as pool:
        pool.warm_up()
        for body, kind in [
            (a_pdf(["Read me."]), MediaType.PDF),
            (a_docx(heading=None, paragraphs=["Read me."]), MediaType.DOCX),
            (an_html(heading=None, paragraphs=["Read me."]), MediaType.HTML),
            (a_markdown(heading=None, paragraphs=["Read me."]), MediaType.MD),
            (an_epub({"": "Read me."}), MediaType.EPUB),
            (b"Read me.", MediaType.TXT),
        ]:
            document = await pool.parse(write(body), kind)
            assert document.text == "Read me."
            assert document.text[document.blocks[0].start : document.blocks[0].end] == "Read me."


async def test_a_large_document_comes_back_whole_with_its_progress(write: Callable[[bytes], Path]) -> None:
    told: list[tuple[int, int]] = []
    async with a_pool() as pool:
        document = await pool.parse(
            write(a_long_pdf(1500, "Page {n} " + "filler words " * 20)),
            MediaType.PDF,
            on_progress=lambda done, total: told.append((done, total)),
        )
    assert "Page 1500 filler" in document.text
    assert told == sorted(told)
    assert all(0 < done <= total == 1500 for done, total in told)


async def test_what_the_parser_says_is_raised_here_and_the_next_document_is_read(
    write: Callable[[bytes], Path],
) -> None:
    async with a_pool(limits=ParseLimits(max_pages=3)) as pool:
        for body, kind, error in [
            (b"%PDF-1.7 nonsense", MediaType.PDF, DamagedDocument),
            (a_pdf(password="secret"), MediaType.PDF, PasswordNeeded),
            (a_long_pdf(5), MediaType.PDF, DocumentTooComplex),
        ]:
            with pytest.raises(error) as raised:
                await pool.parse(write(body), kind)
            assert raised.value.detail
        assert (await pool.parse(write(b"fine"), MediaType.TXT)).text == "fine"


async def test_a_file_that_is_gone_is_a_damaged_document(tmp_path: Path) -> None:
    async with a_pool() as pool:
        with pytest.raises(DamagedDocument, match="FileNotFoundError"):
            await pool.parse(tmp_path / "none", MediaType.TXT)


async def test_a_document_past_its_deadline_is_ended_and_the_next_one_is_read(
    tmp_path: Path, write: Callable[[bytes], Path]
) -> None:
    async with a_pool(deadline_s=0.5) as pool:
        with pytest.raises(DocumentTimeout):
            await (await a_fifo_reader(pool, tmp_path / "endless"))
        pool._deadline_s = 30.0
        assert (await pool.parse(write(b"fine"), MediaType.TXT)).text == "fine"


async def test_a_cancelled_document_is_ended_at_once(tmp_path: Path, write: Callable[[bytes], Path]) -> None:
    async with a_pool() as pool:
        task = await a_fifo_reader(pool, tmp_path / "endless")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await pool.parse(write(b"fine"), MediaType.TXT)).text == "fine"
    assert children() == 0


async def test_a_document_beyond_its_memory_is_ended(write: Callable[[bytes], Path]) -> None:
    async with a_pool(memory_bytes=120 << 20, limits=ParseLimits(max_chars=1 << 30)) as pool:
        with pytest.raises(DocumentMemory):
            await pool.parse(write(b"some words of text. " * 5_000_000), MediaType.TXT)
        assert (await pool.parse(write(b"fine"), MediaType.TXT)).text == "fine"


async def test_a_child_that_dies_is_a_crash_and_worth_another_try(
    tmp_path: Path, write: Callable[[bytes], Path]
) -> None:
    async with a_pool() as pool:
        task = await a_fifo_reader(pool, tmp_path / "endless")
        (child,) = children_pids()
        os.kill(int(child), signal.SIGSEGV)
        with pytest.raises(ParserCrashed) as raised:
            await task
        assert raised.value.transient
        assert (await pool.parse(write(b"fine"), MediaType.TXT)).text == "fine"


async def test_a_child_that_died_while_idle_costs_no_document(write: Callable[[bytes], Path]) -> None:
    async with a_pool() as pool:
        await pool.parse(write(b"one"), MediaType.TXT)
        pool._idle[0]._process.kill()
        pool._idle[0]._process.wait()
        assert (await pool.parse(write(b"two"), MediaType.TXT)).text == "two"


async def test_children_are_replaced_after_their_share_of_documents(write: Callable[[bytes], Path]) -> None:
    async with a_pool(documents_per_child=2) as pool:
        seen: list[ParserProcess] = []
        for _ in range(4):
            await pool.parse(write(NOTHING), MediaType.HTML)
            seen.extend(pool._idle)
        await until(lambda: children() <= 1)
    assert len(set(map(id, seen))) >= 2


async def test_a_child_that_holds_too_much_is_replaced(write: Callable[[bytes], Path]) -> None:
    async with a_pool(recycle_bytes=1) as pool:
        for _ in range(2):
            assert (await pool.parse(write(b"fine"), MediaType.TXT)).text == "fine"


async def test_no_more_children_run_than_allowed_and_all_documents_are_read(write: Callable[[bytes], Path]) -> None:
    async with a_pool(children=2) as pool:
        path = write(b"fine")
        documents = await asyncio.gather(*(pool.parse(path, MediaType.TXT) for _ in range(12)))
        assert len(documents) == 12
        assert children() <= 2


async def test_closing_leaves_no_process_behind(tmp_path: Path) -> None:
    pool = ParserPool()
    pool.warm_up()
    task = await a_fifo_reader(pool, tmp_path / "endless")
    await pool.aclose()
    with pytest.raises(ParserCrashed):
        await task
    with pytest.raises(ParserCrashed):
        await pool.parse(tmp_path / "later", MediaType.TXT)
    assert children() == 0


async def test_a_document_cancelled_while_its_child_starts_leaves_a_child_for_the_next(
    write: Callable[[bytes], Path],
) -> None:
    async with a_pool() as pool:
        task = asyncio.create_task(pool.parse(write(b"one"), MediaType.TXT))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await pool.parse(write(b"two"), MediaType.TXT)).text == "two"
        assert children() == 1


async def test_the_child_knows_none_of_the_services_secrets(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[bytes], Path]
) -> None:
    monkeypatch.setenv("MINIRAG_SECRET", "do not tell")
    async with a_pool() as pool:
        await pool.parse(write(b"fine"), MediaType.TXT)
        environment = Path(f"/proc/{pool._idle[0]._process.pid}/environ").read_bytes()
    assert b"do not tell" not in environment


async def test_a_child_that_speaks_nonsense_is_gone(write: Callable[[bytes], Path]) -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    process = ParserProcess.__new__(ParserProcess)
    process._reader, process._writer, process.documents = reader, writer, 0
    theirs.sendall((3).to_bytes(LENGTH_BYTES, "big") + b"abc")
    with pytest.raises(ParserGone):
        await process.ask(Request("x", MediaType.TXT, ParseLimits(), 1), None)
    theirs.close()
    writer.close()


def test_the_childs_side_answers_requests_until_it_is_left(write: Callable[[bytes], Path]) -> None:
    ours, theirs = socket.socketpair()
    replies: list[object] = []

    def ask() -> None:
        with ours, ours.makefile("rb") as stream:
            for path in (write(a_long_pdf(2000)), write(b"%PDF-1.7")):
                ours.sendall(frame(Request(str(path), MediaType.PDF, ParseLimits(), 60)))
                while True:
                    reply = decode_reply(stream.read(int.from_bytes(stream.read(LENGTH_BYTES), "big")))
                    replies.append(reply)
                    if not isinstance(reply, ProgressMade):
                        break

    asking = threading.Thread(target=ask)
    asking.start()
    with theirs:
        serve(theirs, 8 << 30)
    asking.join()
    assert isinstance(replies[-1], Refused)
    assert len(replies) >= 2
