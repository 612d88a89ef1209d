"""What one attempt of a run hands to the next: findings that the end must tell, and how much patience is left."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Carried:
    """Kept in the run's row as JSON.

    ``faulty_since`` is when the first of the present series of transient faults happened, as ISO 8601.
    ``tries_from`` is the attempt from which tries are counted: a person who asks for a retry grants a new set.
    ``interruptions`` are attempts since then that ended with their worker; they are no tries.
    ``pages_without_text`` are 1-based. ``reused`` counts, for each embedding model, the chunks it had seen before.
    """

    faulty_since: str | None = None
    tries_from: int = 1
    interruptions: int = 0
    pages_without_text: tuple[int, ...] = ()
    reused: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Carried":
        """From the row's JSON; what an older version of the code wrote is kept, what a newer one added is ignored."""
        known = {name: value for name, value in stored.items() if name in cls.__dataclass_fields__}
        known["pages_without_text"] = tuple(known.get("pages_without_text", ()))
        return cls(**known)

    def stored(self) -> dict[str, Any]:
        """As JSON for the row."""
        return {**asdict(self), "pages_without_text": list(self.pages_without_text)}

    def tries(self, attempt: int) -> int:
        """How many tries ``attempt`` is since the count began."""
        return attempt - self.tries_from + 1 - self.interruptions

    def renewed(self, attempt: int) -> "Carried":
        """With a new set of tries from ``attempt`` on; what was found stays."""
        return replace(self, faulty_since=None, tries_from=attempt, interruptions=0)

    def with_fault(self, moment: datetime) -> "Carried":
        """After a fault: the series begins with the first of them."""
        return self if self.faulty_since else replace(self, faulty_since=moment.isoformat())

    def faulty_for_s(self, moment: datetime) -> float:
        """Seconds since the series of faults began, 0 when there is none."""
        if self.faulty_since is None:
            return 0.0
        return (moment - datetime.fromisoformat(self.faulty_since)).total_seconds()
