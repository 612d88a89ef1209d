"""What a check of the doctor finds."""

from dataclasses import asdict, dataclass
from typing import Literal

from app.cli.record import Record

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """A look at one thing: how it is, in words, and what to do when it is not well."""

    name: str
    level: Level
    said: str
    remedy: str = ""

    def as_record(self) -> Record:
        """The same for programs."""
        return asdict(self)


def well(name: str, said: str) -> Check:
    """Nothing to do."""
    return Check(name, "ok", said)


def odd(name: str, said: str, remedy: str) -> Check:
    """It works, and could be better."""
    return Check(name, "warn", said, remedy)


def broken(name: str, said: str, remedy: str) -> Check:
    """It does not work."""
    return Check(name, "fail", said, remedy)
