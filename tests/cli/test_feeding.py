"""Adding files: which ones, what is shown of them, and what a script learns of it."""

import json
import threading
from pathlib import Path

import pytest

from app.cli.feeding import documents_in
from app.cli.screen import plain, when
from tests.cli.conftest import Minirag
from tests.cli.scripted import Asked, Says, ScriptedServer, event, problem


def run(status: str, run_id: str = "r-1", **more: object) -> dict[str, object]:
    return {"id": run_id, "status": status, "stage": "parsing", "counts": {"pages": 2, "chunks": 5}, **more}


def accepted(status: str = "queued", run_id: str = "r-1", **more: object) -> Says:
    return Says({"source": {"id": "s-1", "title": "T"}, "run": run(status, run_id, **more)}, 202)


def name_of(asked: Asked) -> str:
    return asked.body.partition(b'filename="')[2].partition(b'"')[0].decode()


def test_folders_give_their_documents_and_files_themselves(at_home: Path) -> None:
    for name in ("a.pdf", "sub/b.MD", "sub/.hidden/c.md", ".d.md", "e.exe"):
        (at_home / name).parent.mkdir(parents=True, exist_ok=True)
        (at_home / name).touch()
    assert documents_in([at_home]) == [at_home / "a.pdf", at_home / "sub/b.MD"]
    assert documents_in([at_home / "e.exe", at_home / "a.pdf", at_home]) == [
        at_home / "e.exe",
        at_home / "a.pdf",
        at_home / "sub/b.MD",
    ]


def test_a_run_is_watched_to_its_end_through_a_lost_connection(
    minirag: Minirag, scripted: ScriptedServer, at_home: Path
) -> None:
    (at_home / "a.md").write_text("# A")
    half = run("running", progress={"done": 1, "total": 2, "unit": "pages"})
    scripted.on("POST /v1/sources", accepted())
    scripted.on(
        "GET /v1/runs/r-1/events",
        Says(chunks=[event("progress", run("running"), "1"), event("progress", half, "2")]),
        Says(chunks=[event("finished", run("succeeded"), "3")]),
    )
    result = minirag("sources", "add", "a.md", "--title", "My A", "--url", scripted.url, "--token", "t")
    assert result.exit_code == 0
    assert result.output.splitlines()[-2].split() == ["a.md", "succeeded", "2", "5"]
    upload = scripted.calls("POST /v1/sources")[0]
    assert (name_of(upload), b"My A" in upload.body) == ("a.md", True)
    assert scripted.calls("GET /v1/runs/r-1/events")[1].headers["last-event-id"] == "2"


def test_every_failure_is_told_with_its_reason_and_fails_the_command(
    minirag: Minirag, scripted: ScriptedServer, at_home: Path
) -> None:
    for name in ("bad.pdf", "good.md", "odd.txt", "same.md"):
        (at_home / name).write_text(name)

    def receive(asked: Asked) -> Says:
        name = name_of(asked)
        if name == "odd.txt":
            return problem(415, "This is a program.")
        return accepted("skipped") if name == "same.md" else accepted(run_id=name.partition(".")[0])

    scripted.on("POST /v1/sources", receive)
    broken = run("failed", error={"code": "damaged", "message": "The file is damaged.", "stage": "parsing"})
    scripted.on("GET /v1/runs/bad/events", Says(chunks=[event("finished", broken, "1")]))
    scripted.on("GET /v1/runs/good/events", Says(chunks=[event("finished", run("succeeded"), "1")]))
    result = minirag("sources", "add", ".", "--url", scripted.url, "--token", "t")
    assert result.exit_code == 1
    rows = {line.split()[0]: line for line in result.output.splitlines()[-6:] if "." in line}
    assert "The file is damaged." in rows["bad.pdf"]
    assert "This is a program." in rows["odd.txt"]
    assert "skipped" in rows["same.md"]
    assert "✗ bad.pdf failed: The file is damaged." in result.output


def test_without_waiting_nothing_is_watched(minirag: Minirag, scripted: ScriptedServer, at_home: Path) -> None:
    (at_home / "a.md").touch()
    scripted.on("POST /v1/sources", accepted())
    result = minirag("sources", "add", "a.md", "--no-wait", "--url", scripted.url, "--token", "t")
    assert result.exit_code == 0
    assert "queued" in result.output
    assert not scripted.calls("GET /v1/runs/r-1/events")


def test_json_tells_a_script_everything(minirag: Minirag, scripted: ScriptedServer, at_home: Path) -> None:
    (at_home / "a.md").touch()
    (at_home / "b.md").touch()
    scripted.on(
        "POST /v1/sources", lambda asked: accepted("skipped") if name_of(asked) == "a.md" else problem(422, "Empty.")
    )
    result = minirag("sources", "add", "a.md", "b.md", "--json", "--url", scripted.url, "--token", "t")
    assert result.exit_code == 1
    first, second = json.loads(result.output)
    assert (first["path"], first["run"]["status"], first["error"]) == ("a.md", "skipped", None)
    assert (second["source"], second["error"]) == (None, "Empty.")


def test_many_files_are_sent_a_few_at_a_time(minirag: Minirag, scripted: ScriptedServer, at_home: Path) -> None:
    for number in range(12):
        (at_home / f"{number}.md").touch()
    lock = threading.Lock()
    now, most = 0, 0

    def receive(_asked: Asked) -> Says:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.03)
        with lock:
            now -= 1
        return accepted("skipped")

    scripted.on("POST /v1/sources", receive)
    assert minirag("sources", "add", ".", "--url", scripted.url, "--token", "t").exit_code == 0
    assert 2 <= most <= 4


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["nowhere.md"], 2, "does not exist"),
        (["empty"], 1, "no document in there"),
        (["a.md", "b.md", "--title", "x"], 2, "single file"),
        ([], 2, "Missing argument"),
    ],
)
def test_a_wrong_call_is_told_before_anything_is_sent(
    minirag: Minirag, scripted: ScriptedServer, at_home: Path, arguments: list[str], code: int, sentence: str
) -> None:
    (at_home / "empty").mkdir()
    (at_home / "a.md").touch()
    (at_home / "b.md").touch()
    result = minirag("sources", "add", *arguments, "--url", scripted.url, "--token", "t")
    assert result.exit_code == code
    assert sentence in result.output
    assert not scripted.asked


def test_a_file_that_cannot_be_read_is_one_failure_among_others(
    minirag: Minirag, scripted: ScriptedServer, at_home: Path
) -> None:
    (at_home / "loop.md").symlink_to("loop.md")
    (at_home / "a.md").touch()
    from app.cli.api import Api
    from app.cli.feeding import Feeder
    from app.cli.target import Target

    scripted.on("POST /v1/sources", accepted("skipped"))
    with Api(Target(scripted.url)) as api:
        good, bad = Feeder(api, {}, wait=True).feed([at_home / "a.md", at_home / "loop.md"], quiet=True)
    assert not good.has_failed
    assert bad.reason.startswith("It cannot be read")


def test_what_is_shown_cannot_play_tricks_on_the_terminal() -> None:
    assert plain("a\x1b]0;title\x07b\u202ec\u2066\rd\te\nf") == "a]0;titlebcd\te\nf"
    assert plain(None) == ""


def test_times_are_shown_in_ones_own_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    assert when("2026-01-01T00:00:00.000Z") == "2026-01-01 05:30"
    assert (when(None), when("soon")) == ("", "soon")
    monkeypatch.undo()
    time.tzset()
