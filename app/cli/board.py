"""The board on which people watch files being learned: bars in a terminal, a line for each elsewhere."""

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import click
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from app.cli.record import Record, part
from app.cli.screen import console, is_terminal, plain, show_table

MARKS = {"succeeded": "✓", "skipped": "=", "queued": "…", "running": "…"}


class Outcome(Protocol):
    """What the summary tells of one file."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def run(self) -> Record | None:
        """Its run, if it was accepted."""
        ...

    @property
    def status(self) -> str:
        """How it ended."""
        ...

    @property
    def reason(self) -> str:
        """Why it failed, if it did."""
        ...


class Board:
    """Shows each file from its upload to its end, and a table after the last. Safe to use from several threads."""

    def __init__(self, files: int, *, quiet: bool) -> None:
        self._files = files
        self._quiet = quiet
        self._tasks: dict[Path, TaskID] = {}
        self._lock = threading.Lock()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[stage]}", markup=False, style="cyan"),
            TimeElapsedColumn(),
            console=console(stderr=True),
            transient=True,
            disable=quiet or not is_terminal(),
        )

    def __enter__(self) -> "Board":
        self._bars.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        if isinstance(fault, KeyboardInterrupt):
            click.echo("Stopped watching; what was uploaded goes on. See: minirag runs list", err=True)

    def begin(self, file: Path) -> None:
        """The upload of a file begins."""
        with self._lock:
            self._tasks[file] = self._bars.add_task(plain(file.name), total=None, stage="uploading")

    def progress(self, file: Path, run: Record) -> None:
        """A run has got this far."""
        done = part(run, "progress")
        stage = plain(run.get("stage") or run["status"])
        if done.get("total"):
            stage += f" {done.get('done', 0)}/{done['total']} {plain(done.get('unit'))}"
        self._bars.update(self._tasks[file], total=done.get("total"), completed=done.get("done") or 0, stage=stage)

    def end(self, file: Path, status: str, reason: str) -> None:
        """A file has come to its end."""
        self._bars.remove_task(self._tasks[file])
        if not self._quiet and self._files > 1:  # One file's end is the table's only line.
            tail = f": {plain(reason)}" if reason else ""
            line = Text(f"{MARKS.get(status, '✗')} {plain(file.name)} {status}{tail}")
            line.stylize("green" if status in MARKS else "red", 0, 1)
            self._bars.console.print(line)

    def summarise(self, outcomes: Sequence[Outcome]) -> None:
        """The table at the end, with the reasons of failures."""
        self._bars.stop()
        if self._quiet:
            return
        rows: list[tuple[object, ...]] = []
        for outcome in outcomes:
            counts = part(outcome.run, "counts")
            figures = (counts.get("pages") or "", counts.get("chunks") or "", counts.get("chunks_reused") or "")
            rows.append((outcome.path.name, outcome.status, *figures, outcome.reason))
        show_table(("File", "Status", "#Pages", "#Chunks", "#Reused", "Reason"), rows, nothing="")
