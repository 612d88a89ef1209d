"""Logging: event names and keys, readable in a terminal and JSON elsewhere; libraries' own lines go the same way."""

import logging
import sys
from typing import Literal

import structlog
from structlog.types import Processor

_CHATTY = (
    "uvicorn",
    "httpx",
    "httpcore",
    "litellm",
    "LiteLLM",
    "arq",
    "alembic",
    "aiosqlite",
    "pdfminer",
    "asyncio",
    "qdrant_client",
)


def _in_colour() -> Processor:
    """For a terminal; without the values of variables in traces, among which tokens and documents would stand."""
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def configure_logging(level: str, form: Literal["auto", "console", "json"]) -> None:
    """Set up this process's logging, once, at its start. ``auto`` is ``console`` where stderr is a terminal."""
    readable = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable, key="time"),
    ]
    if not readable:
        shared.append(structlog.processors.format_exc_info)
    renderer: Processor = _in_colour() if readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
