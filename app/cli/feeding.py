"""Uploading files and watching their runs, a few at a time."""

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.cli.api import Api
from app.cli.board import Board
from app.cli.complaints import Complaint
from app.cli.record import Record, part
from app.cli.sse import Follower

AT_ONCE = 4
SUFFIXES = frozenset(".pdf .docx .html .htm .xhtml .md .markdown .epub .txt .text .csv .tsv .xlsx .pptx".split())
ENDED = frozenset({"succeeded", "skipped", "partial", "failed", "cancelled"})
FINISHED = frozenset({"finished"})


@dataclass(frozen=True, slots=True)
class Fed:
    """What became of one file: the source and its run as last seen, or why it was not even accepted."""

    path: Path
    source: Record | None = None
    run: Record | None = None
    refusal: str | None = None

    @property
    def status(self) -> str:
        """The run's status; ``refused`` when there is no run."""
        return str(self.run["status"]) if self.run else "refused"

    @property
    def has_failed(self) -> bool:
        """Whether the file cannot be searched now, or not all of it."""
        return self.status in {"refused", "failed", "partial", "cancelled"}

    @property
    def reason(self) -> str:
        """Why it failed, in a sentence; empty when it did not."""
        if self.refusal:
            return self.refusal
        return str(part(self.run, "error").get("message", ""))

    def as_record(self) -> Record:
        """The same for programs."""
        return {"path": str(self.path), "source": self.source, "run": self.run, "error": self.refusal}


def documents_in(paths: Iterable[Path]) -> list[Path]:
    """The files among ``paths``, and in its folders every file of a known kind that is not hidden, each once."""
    found = [file for path in paths for file in (_walk(path) if path.is_dir() else [path])]
    return list(dict.fromkeys(found))


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix.lower() in SUFFIXES:
            yield path


class Feeder:
    """Feeds files with the same fields (knowledge base, title, …) and shows how they fare."""

    def __init__(self, api: Api, fields: Mapping[str, str], *, wait: bool) -> None:
        self._api = api
        self._fields = dict(fields)
        self._wait = wait

    def feed(self, files: Sequence[Path], *, quiet: bool = False) -> list[Fed]:
        """Feed all files, in threads, and return what became of each, in their order.

        A person who interrupts leaves the runs going on at the server: the threads die with this process.
        """
        waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        done: queue.SimpleQueue[Fed | BaseException] = queue.SimpleQueue()
        for file in files:
            waiting.put(file)
        with Board(len(files), quiet=quiet) as board:
            for _ in range(min(AT_ONCE, len(files))):
                threading.Thread(target=self._work, args=(waiting, done, board), daemon=True).start()
            results = [self._settled(done.get(), board) for _ in files]
            fed = {item.path: item for item in results}
            board.summarise([fed[file] for file in files])
        return [fed[file] for file in files]

    @staticmethod
    def _settled(result: Fed | BaseException, board: Board) -> Fed:
        if isinstance(result, BaseException):
            raise result
        board.end(result.path, result.status, result.reason)
        return result

    def _work(
        self, waiting: "queue.SimpleQueue[Path]", done: "queue.SimpleQueue[Fed | BaseException]", board: Board
    ) -> None:
        while True:
            try:
                file = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put(self._feed_one(file, board))
            except BaseException as fault:  # noqa: BLE001  # It is raised again in the thread that waits.
                done.put(fault)

    def _feed_one(self, file: Path, board: Board) -> Fed:
        board.begin(file)
        try:
            accepted = self._upload(file)
            source, run = accepted["source"], accepted["run"]
            board.progress(file, run)
            if self._wait and run["status"] not in ENDED:
                run = self._watch(file, run, board)
            return Fed(file, source, run)
        except OSError as fault:
            return Fed(file, refusal=f"It cannot be read: {fault.strerror or fault}.")
        except Complaint as fault:
            return Fed(file, refusal=fault.message)

    def _upload(self, file: Path) -> Record:
        with file.open("rb") as content:
            response = self._api.request("POST", "/v1/sources", files={"file": (file.name, content)}, data=self._fields)
        return dict(response.json())

    def _watch(self, file: Path, run: Record, board: Board) -> Record:
        """Follow a run to its end; the run as it ended."""
        import json

        path = f"/v1/runs/{run['id']}/events"
        for event in Follower(lambda last_id: self._api.stream("GET", path, last_id), FINISHED):
            run = json.loads(event.data)
            board.progress(file, run)
        return run if run["status"] in ENDED else self._api.get(f"/v1/runs/{run['id']}")
