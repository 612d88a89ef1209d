"""Which faults are worth another try, after which pause, and when patience ends."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from app.ingestion.carried import Carried
from app.ingestion.faults import Fault, fault_of, pause_s
from app.ingestion.stages.parsing import name_pages
from app.kit.errors import DependencyDown, Invalid, ProviderAuthFailed, ProviderRateLimited, ProviderTimeout
from app.parsing.errors import DamagedDocument, ParserCrashed
from app.settings import Settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SETTINGS = Settings(_env_file=None)  # type: ignore[call-arg]  # The settings library adds it.
FAULT = Fault("any", "Any.", transient=True)


@pytest.mark.parametrize(
    ("error", "code", "transient"),
    [
        (ProviderRateLimited("slow down", retry_after_s=7), "provider_rate_limited", True),
        (ProviderTimeout("late"), "provider_timeout", True),
        (ProviderAuthFailed("no"), "provider_auth_failed", False),
        (DependencyDown("away"), "dependency_down", True),
        (Invalid("wrong"), "invalid_request", False),
        (DamagedDocument("torn"), "document_damaged", False),
        (ParserCrashed("gone"), "parser_crashed", True),
        (ConnectionResetError(), "dependency_down", True),
        (TimeoutError(), "dependency_down", True),
        (OperationalError("SELECT", {"text": "secret"}, Exception("locked")), "dependency_down", True),
        (DBAPIError("SELECT", {}, Exception("gone")), "dependency_down", True),
        (IntegrityError("INSERT", {}, Exception("twice")), "internal_error", True),
        (ZeroDivisionError("bug"), "internal_error", True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_becomes_a_fault(error: Exception, code: str, transient: bool) -> None:
    fault = fault_of(error)
    assert (fault.code, fault.transient) == (code, transient)
    assert fault.crash is isinstance(error, ParserCrashed)
    assert fault.message
    assert "secret" not in fault.message


def test_pauses_grow_and_end_with_the_tries() -> None:
    pauses = [pause_s(FAULT, attempt, Carried(), SETTINGS, NOON) for attempt in range(1, 6)]
    assert pauses[4] is None
    grown = [pause for pause in pauses[:4] if pause is not None]
    assert len(grown) == 4
    assert all(0.75 * 4**n <= pause <= 1.25 * 4**n for n, pause in enumerate(grown))


def test_a_permanent_fault_has_no_further_try() -> None:
    assert pause_s(Fault("any", "Any.", transient=False), 1, Carried(), SETTINGS, NOON) is None


def test_the_providers_own_word_outweighs_ours() -> None:
    asked = Fault("any", "Any.", transient=True, retry_after_s=90)
    assert pause_s(asked, 1, Carried(), SETTINGS, NOON) == 90


def test_patience_ends_with_the_time_too() -> None:
    since = Carried(faulty_since=(NOON - timedelta(seconds=599)).isoformat())
    late = Fault("any", "Any.", transient=True, retry_after_s=2)
    assert pause_s(late, 2, since, SETTINGS, NOON) is None


def test_a_retry_grants_new_tries_and_interruptions_spend_none() -> None:
    assert pause_s(FAULT, 9, Carried().renewed(9), SETTINGS, NOON) is not None
    assert pause_s(FAULT, 5, Carried(interruptions=1), SETTINGS, NOON) is not None


def test_what_is_carried_survives_storage_and_other_versions_of_the_code() -> None:
    carried = Carried("2026-01-01T00:00:00+00:00", 3, 1, (2, 5), {"m": 4})
    assert Carried.read(carried.stored()) == carried
    assert Carried.read({"tries_from": 2, "of_tomorrow": True}) == Carried(tries_from=2)


@pytest.mark.parametrize(
    ("pages", "begins"),
    [((3,), "Page 3 holds no text"), ((1, 4), "Pages 1, 4 hold"), (tuple(range(1, 26)), "Pages 1, 2, 3")],
)
def test_pages_are_named(pages: tuple[int, ...], begins: str) -> None:
    assert name_pages(pages).startswith(begins)
    assert (" and 5 more" in name_pages(pages)) is (len(pages) == 25)
