"""How jobs are written down: as JSON. ARQ's own choice, pickle, would run the code of whoever can write to Redis."""

import json
from typing import Any

QUEUE_NAME = "minirag:jobs"


def serialize(job: dict[str, Any]) -> bytes:
    """A job as ARQ hands it over; what JSON does not know (an exception, as a result) becomes its text."""
    return json.dumps(job, default=str, separators=(",", ":")).encode()


def deserialize(data: bytes) -> dict[str, Any]:
    """The job again; raises ``ValueError`` for anything that is not one."""
    job = json.loads(data)
    if not isinstance(job, dict):
        raise ValueError("A job must be a JSON object.")
    return job  # pyright: ignore[reportUnknownVariableType]  # ARQ checks its fields by itself.
