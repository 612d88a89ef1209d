"""What went wrong in a run, whether another try may help, and how long to wait before it.

LeaseLost      another worker holds the run, or it is gone: this one stops without a word
RunCancelled   somebody asked for it
Fault          everything else, sorted here into transient and permanent
"""

import random
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from app.ingestion.carried import Carried
from app.kit.errors import AppError, DependencyDown, ProviderError
from app.parsing.errors import DocumentError, ParserCrashed
from app.settings import Settings

FIRST_PAUSE_S = 1.0
PAUSE_FACTOR = 4.0
"""Five tries begin after about 0, 1, 5, 21 and 85 seconds: soon for a hiccup, patient with an outage."""
CRASHES = 2
"""A document that kills its parser this often is quarantined."""

log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """This worker no longer holds the run, so nothing it writes may count."""


class RunCancelled(Exception):
    """Somebody asked for the run to stop."""


class NoText(AppError):
    """The document was read and holds no text."""

    status = 422
    code = "no_text"
    title = "The document holds no text"


class NothingToRead(AppError):
    """The run's upload is gone."""

    status = 409
    code = "upload_missing"
    title = "There is nothing to read"


@dataclass(frozen=True, slots=True)
class Fault:
    """``code`` is for programs, ``message`` for people. ``crash``: the document took its parser down."""

    code: str
    message: str
    transient: bool
    retry_after_s: float | None = None
    crash: bool = False


QUARANTINED = Fault(
    "document_quarantined",
    "Reading this document stopped the parser twice, so it is not tried again. Save it anew in the program it came "
    "from, or as PDF, and upload that.",
    transient=False,
)
INTERRUPTED = Fault(
    "interrupted",
    "The worker on this document was lost again and again. Retry it; if that does not help, the document may need "
    "more memory than a worker has.",
    transient=False,
)


def fault_of(error: Exception) -> Fault:
    """Sort an exception. What nobody foresaw is a bug of ours: logged with its trace, and tried again all the same."""
    match error:
        case DocumentError():
            return Fault(error.code, error.detail, error.transient, crash=isinstance(error, ParserCrashed))
        case ProviderError():
            return Fault(error.code, error.detail, error.transient, error.retry_after_s)
        case AppError():
            return Fault(error.code, error.detail, isinstance(error, DependencyDown), error.retry_after_s)
        case IntegrityError() | ProgrammingError() | DataError():
            return _bug(error)
        case DBAPIError() | ConnectionError() | TimeoutError():
            # The driver's own words hold no values of ours, unlike SQLAlchemy's.
            said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
            log.warning("run.dependency_failed", kind=type(error).__name__, said=said[:200])
            return Fault("dependency_down", "A service this needs did not answer. Retry it in a while.", transient=True)
        case _:
            return _bug(error)


def _bug(error: Exception) -> Fault:
    log.error("run.crashed", exc_info=error)
    sentence = "Something went wrong on our side. Retry it; the run's id finds the reason in the log."
    return Fault("internal_error", sentence, transient=True)


def pause_s(fault: Fault, attempt: int, carried: Carried, settings: Settings, moment: datetime) -> float | None:
    """Seconds until the next try, or None when the fault is permanent or the tries or the time are spent.

    The pause grows with each try and is jittered by a quarter, so that many runs do not return in step; a provider's
    own ``Retry-After`` wins where it is longer.
    """
    tried = carried.tries(attempt)
    if not fault.transient or tried >= settings.run_attempts:
        return None
    pause = FIRST_PAUSE_S * PAUSE_FACTOR ** max(0, tried - 1) * random.uniform(0.75, 1.25)  # noqa: S311  # Jitter only.
    pause = max(pause, fault.retry_after_s or 0.0)
    return pause if carried.faulty_for_s(moment) + pause <= settings.run_retry_window_s else None
