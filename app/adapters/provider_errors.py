"""What a provider's failure is called here, and how much of what it said may be repeated.

A body is never echoed: only the message a provider puts in the usual places, without secrets, on one line, cut at
300 characters. Error pages in HTML say nothing worth repeating.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from app.kit.errors import ProviderAuthFailed, ProviderError, ProviderRateLimited, ProviderRefused, ProviderTimeout
from app.kit.models import ModelEndpoint

MESSAGE_LIMIT = 300
SHORTEST_SECRET = 4  # Anything shorter would be cut out of ordinary words.


class StreamCut(ProviderError):
    """The provider's answer ended before it said that it was finished."""

    title = "The model provider's answer was cut off"


class _ErrorObject(msgspec.Struct):
    message: str | None = None
    code: int | str | None = None
    status: int | str | None = None


class _ErrorBody(msgspec.Struct):
    error: _ErrorObject | str | None = None
    message: str | None = None
    detail: str | None = None


def error_for_status(
    endpoint: ModelEndpoint, status: int, message: str | None, retry_after_s: float | None = None
) -> ProviderError:
    """Name the failure of a provider that answered with this HTTP status."""
    detail = f"{endpoint.model}: the provider answered {status}"
    if said := presentable(message, endpoint):
        detail = f"{detail}: {said}"
    match status:
        case 401 | 403:
            return ProviderAuthFailed(f"{detail}. Check the credential.")
        case 429:
            return ProviderRateLimited(detail, retry_after_s=retry_after_s)
        case 408 | 504 | 524:
            return ProviderTimeout(detail)
        case 409 | 425:
            return ProviderError(detail)
        case _ if 300 <= status < 500:
            return ProviderRefused(detail)
        case _:
            return ProviderError(detail, retry_after_s=retry_after_s)


def error_in_body(endpoint: ModelEndpoint, body: bytes) -> ProviderError | None:
    """Return the failure a body reports although its status was 200, or ``None`` when it reports none."""
    if b'"error"' not in body:
        return None
    found = _decoded(body)
    if found is None or found.error is None:
        return None
    status = _status_of(found.error)
    if status is not None:
        return error_for_status(endpoint, status, message_in(body))
    said = presentable(message_in(body), endpoint) or "it gave no reason"
    return ProviderError(f"{endpoint.model}: the provider reported an error: {said}")


def message_in(body: bytes) -> str | None:
    """Return the sentence a provider's error body carries in one of the usual places, if any."""
    found = _decoded(body)
    if found is None:
        return None
    if isinstance(found.error, _ErrorObject):
        return found.error.message
    return found.error or found.message or found.detail


def presentable(message: str | None, endpoint: ModelEndpoint) -> str:
    """Make a provider's sentence fit for people and logs: no secret, no markup, one line, 300 characters."""
    if not message or "<html" in message.lower() or "<!doctype" in message.lower():
        return ""
    for secret in (endpoint.api_key, *endpoint.extra.values()):
        if secret and len(secret) >= SHORTEST_SECRET:
            message = message.replace(secret, "[secret]")
    line = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", message).split())
    return line if len(line) <= MESSAGE_LIMIT else f"{line[: MESSAGE_LIMIT - 1]}…"


def retry_after_s(header: str | None) -> float | None:
    """Read a ``Retry-After`` header, seconds or an HTTP date (RFC 9110, 10.2.3), as seconds from now."""
    if not header:
        return None
    try:
        return max(float(header), 0)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0)


def _decoded(body: bytes) -> _ErrorBody | None:
    try:
        return msgspec.json.decode(body, type=_ErrorBody)
    except msgspec.DecodeError:  # Also the base of ValidationError: not JSON, or JSON of another shape.
        return None


def _status_of(error: _ErrorObject | str) -> int | None:
    """Return the HTTP status an error object names in ``code`` or ``status``, where it names one."""
    if isinstance(error, str):
        return None
    for value in (error.code, error.status):
        if value is not None and str(value).isdecimal() and 400 <= int(value) < 600:
            return int(value)
    return None
