"""How a command fails: one sentence for people, and an exit code for scripts.

1 the command could not do it · 2 it was called or set up wrongly · 130 the person stopped it.
"""

from typing import IO, Any

import click


class Complaint(click.ClickException):
    """A failure that a person can do something about; the message says what."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence in red where there are colours."""
        click.secho(self.format_message(), fg="red", err=True, file=file)


class Misconfigured(Complaint):
    """A setting is wrong; nothing was started."""

    exit_code = 2


class Refused(Complaint):
    """The server answered with a problem; ``code`` and ``status`` are its own words."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Unreachable(Complaint):
    """No server answers."""
