"""Every error the service raises on purpose, as one tree.

AppError
├── BadRequest                400  malformed_request
├── Unauthenticated           401  unauthenticated
├── Forbidden                 403  forbidden
├── NotFound                  404  not_found        (another tenant's things too)
├── Conflict                  409  conflict
├── TooLarge                  413  too_large
├── UnsupportedType           415  unsupported_type
├── Invalid                   422  invalid_request
├── Limited                   429  rate_limited     (carries Retry-After)
├── DependencyDown            503  dependency_down
└── ProviderError             502  provider_error
    ├── ProviderAuthFailed    502  provider_auth_failed
    ├── ProviderRefused       502  provider_refused       (the request itself: 400, 404, 422)
    ├── ProviderRateLimited   503  provider_rate_limited  (carries Retry-After)
    └── ProviderTimeout       504  provider_timeout

A slice adds its own words beside the code that raises them, as subclasses. Nothing below ``app/http`` names an
HTTP library; ``app/http/problems.py`` alone turns this tree into RFC 9457 problem details.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is wrong: ``path`` is dotted (``retrieval.max_chunks``), ``message`` says what to do."""

    path: str
    message: str


class AppError(Exception):
    """An expected failure with a stable ``code`` for programs and a ``detail`` for people."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str, *, errors: tuple[FieldError, ...] = (), retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.retry_after_s = retry_after_s


class BadRequest(AppError):
    """The request could not be read at all."""

    status = 400
    code = "malformed_request"
    title = "The request could not be read"


class Unauthenticated(AppError):
    """There is no token, or it is unknown, expired or revoked."""

    status = 401
    code = "unauthenticated"
    title = "A valid token is needed"


class Forbidden(AppError):
    """The token is good but may not do this."""

    status = 403
    code = "forbidden"
    title = "This token may not do that"


class NotFound(AppError):
    """There is no such thing, or it is another tenant's: the answer is the same, existence is a secret."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(AppError):
    """The request is well formed but contradicts the present state."""

    status = 409
    code = "conflict"
    title = "This conflicts with the present state"


class TooLarge(AppError):
    """The body exceeds a limit; the detail names the limit."""

    status = 413
    code = "too_large"
    title = "The request is too large"


class UnsupportedType(AppError):
    """The content is of a kind that cannot be handled; the detail lists the kinds that can."""

    status = 415
    code = "unsupported_type"
    title = "This type of content is not supported"


class Invalid(AppError):
    """The request was read, and one or more of its fields are wrong."""

    status = 422
    code = "invalid_request"
    title = "The request has invalid fields"

    @classmethod
    def field(cls, path: str, message: str) -> "Invalid":
        """One wrong field."""
        return cls(f"{path}: {message}", errors=(FieldError(path, message),))


class Limited(AppError):
    """A rate or a quota is used up; ``retry_after_s`` says when to come back."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"


class DependencyDown(AppError):
    """A database, queue or index the request needs does not answer."""

    status = 503
    code = "dependency_down"
    title = "A service this needs is down"


class ProviderError(AppError):
    """A model provider failed. ``transient`` says whether trying again may help."""

    status = 502
    code = "provider_error"
    title = "The model provider failed"
    transient: ClassVar[bool] = True


class ProviderAuthFailed(ProviderError):
    """The provider did not accept the credential."""

    code = "provider_auth_failed"
    title = "The model provider refused the credential"
    transient = False


class ProviderRefused(ProviderError):
    """The provider understood the request and will not serve it: unknown model, too long, not allowed."""

    code = "provider_refused"
    title = "The model provider refused the request"
    transient = False


class ProviderRateLimited(ProviderError):
    """The provider asks to slow down; ``retry_after_s`` is its own word where it gave one."""

    status = 503
    code = "provider_rate_limited"
    title = "The model provider is limiting requests"


class ProviderTimeout(ProviderError):
    """The provider did not answer in time."""

    status = 504
    code = "provider_timeout"
    title = "The model provider did not answer in time"


def problem(error: AppError, request_id: str) -> dict[str, object]:
    """The error as an RFC 9457 problem object, as it stands in bodies, in ``error`` events and in stored messages."""
    body: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if error.retry_after_s is not None:
        body["retry_after_s"] = error.retry_after_s
    if error.errors:
        body["errors"] = [{"path": field.path, "message": field.message} for field in error.errors]
    return body
