"""Processes are told to stop: what is in flight is finished within the grace period, the rest is given back."""

from pathlib import Path

from tests.e2e.slow_answer import begin_slow_answer
from tests.e2e.test_killed import a_long_pdf, assert_learned_once, wait_for_stage
from tests.support.processes import embedded
from tests.support.rows import look_at


def test_an_answer_in_flight_is_finished_before_the_process_ends(tmp_path: Path) -> None:
    hosts = {"MINIRAG_ALLOWED_FETCH_HOSTS": "127.0.0.1"}
    with embedded(tmp_path, **hosts) as installation, begin_slow_answer(installation, tokens=40) as slow:
        installation.web.ask_to_stop()
        rest = "\n".join(slow.lines)
        assert "event: done" in rest
        assert '"finish_reason":"stop"' in rest
        assert installation.web.exit_code() == 0
        assert look_at(installation.database_url, "SELECT finish_reason FROM messages WHERE role = 'assistant'") == [
            ("stop",)
        ]


def test_an_answer_that_outlasts_the_grace_period_is_ended_with_what_it_said(tmp_path: Path) -> None:
    short = {"MINIRAG_ALLOWED_FETCH_HOSTS": "127.0.0.1", "MINIRAG_SHUTDOWN_GRACE_S": "1"}
    with embedded(tmp_path, **short) as installation, begin_slow_answer(installation) as slow:
        installation.web.ask_to_stop()
        assert installation.web.exit_code() == 0
        ((reason, length),) = look_at(
            installation.database_url,
            "SELECT finish_reason, length(content) FROM messages WHERE role = 'assistant'",
        )
        assert (reason, length > 0) == ("cancelled", True)
        del slow


def test_a_run_in_flight_is_given_back_without_spending_an_attempt(tmp_path: Path) -> None:
    with embedded(tmp_path, MINIRAG_SHUTDOWN_GRACE_S="0") as installation:
        door, _ = installation.admin().found("Mill")
        body = door.upload("years.pdf", a_long_pdf())
        wait_for_stage(installation, "embedding")
        assert installation.web.stop() == 0
        rows = look_at(installation.database_url, "SELECT status, attempt, lease_owner FROM runs")
        assert rows == [("queued", 1, None)]
        installation.restart(installation.web)
        assert_learned_once(installation, door, door.ended(body["run"]["id"]))
