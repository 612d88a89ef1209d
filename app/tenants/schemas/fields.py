"""Fields that several of this slice's schemas share."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, ConfigDict, StringConstraints

T = TypeVar("T")


def _not_null(value: T | None) -> T:
    if value is None:
        raise ValueError("must not be null; leave it out to keep it as it is")
    return value


Kept = Annotated[T | None, AfterValidator(_not_null)]
"""A field of a change: left out, it stays; null is refused."""

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=320, pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,255}$"
    ),
]
"""An e-mail, judged by its shape alone."""

NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=200)]
"""A password to be set: 8 to 200 characters."""

SECRETIVE = ConfigDict(hide_input_in_errors=True)
"""For schemas that carry a secret: what was sent is not repeated in an error. Its field says ``repr=False`` besides."""
