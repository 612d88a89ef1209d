"""How an endpoint becomes LiteLLM's arguments, and its exceptions our errors.

LiteLLM takes what it is not given from the environment, and reads values such as ``os.environ/NAME`` or a path to a
credentials file from this machine. An endpoint belongs to a tenant, so neither may happen: every call carries a key,
if only a wrong one, and only known extras that are plain values pass.
"""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from app.adapters.provider_errors import StreamCut, error_for_status, message_in, presentable, retry_after_s
from app.kit.errors import AppError, ProviderAuthFailed, ProviderError, ProviderRefused, ProviderTimeout
from app.kit.models import ModelEndpoint

_TRANSPORT_TALK = re.compile(r"\b\d{3}, message=|ClientPayloadError|<Response")
NO_KEY = "no-key-was-given"
_AWS = frozenset({"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name"})
_GOOGLE = frozenset({"vertex_project", "vertex_location", "vertex_credentials"})
_PLAIN = frozenset({"api_version", "organization", "project_id", "region_name", "space_id", "watsonx_region_name"})
EXTRAS = _AWS | _GOOGLE | _PLAIN
# Providers that sign requests with credentials of their own, and the extra without which LiteLLM would look for
# this machine's.
_OWN_CREDENTIALS = {
    "bedrock": "aws_access_key_id",
    "sagemaker": "aws_access_key_id",
    "sagemaker_chat": "aws_access_key_id",
    "vertex_ai": "vertex_credentials",
    "vertex_ai_beta": "vertex_credentials",
}


def litellm_arguments(endpoint: ModelEndpoint) -> dict[str, object]:
    """Return the arguments that address a call. Raises ProviderRefused and ProviderAuthFailed."""
    values = {name: value for name, value in endpoint.extra.items() if name in EXTRAS}
    _refuse_references(endpoint, values)
    arguments: dict[str, object] = {"model": endpoint.model, "max_retries": 0, "num_retries": 0, **values}
    provider = endpoint.model.split("/", 1)[0]
    needed = _OWN_CREDENTIALS.get(provider)
    if needed is None:
        arguments["api_key"] = endpoint.api_key or NO_KEY
    elif needed not in values:
        raise ProviderAuthFailed(f"{endpoint.model}: the credential needs {needed} among its extra values.")
    if endpoint.api_base:
        arguments["api_base"] = endpoint.api_base
    return arguments


@contextmanager
def litellm_errors(endpoint: ModelEndpoint) -> Generator[None]:
    """Turn whatever LiteLLM raises inside the block into a ProviderError; ours pass through."""
    try:
        yield
    except AppError:
        raise
    except Exception as error:
        raise _translated(endpoint, error) from error


def _refuse_references(endpoint: ModelEndpoint, values: Mapping[str, str]) -> None:
    given = (*values.values(), endpoint.api_key or "", endpoint.api_base or "")
    path = not values.get("vertex_credentials", "{").lstrip().startswith("{")
    if path or any(value.startswith(("os.environ/", "oidc/")) for value in given):
        raise ProviderRefused(f"{endpoint.model}: a credential must be the secret itself, not a place to read it from.")


def _translated(endpoint: ModelEndpoint, error: Exception) -> ProviderError:
    """Name a failure by LiteLLM's class where it has one of its own, else by the status it carries."""
    said = _message(error)
    match type(error).__name__:
        case "MidStreamFallbackError":
            reason = presentable(said, endpoint)
            return StreamCut(f"{endpoint.model}: the answer was cut in mid-stream{reason and f': {reason}'}.")
        case "Timeout":
            return ProviderTimeout(f"{endpoint.model}: the provider did not answer in time.")
        case _:
            status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return ProviderError(f"{endpoint.model}: {presentable(said, endpoint) or type(error).__name__}")
    return error_for_status(endpoint, status, said, _retry_after(error))


def _message(error: Exception) -> str | None:
    """Return the provider's own words out of LiteLLM's message, which puts class names before and bodies after."""
    said = str(getattr(error, "message", None) or error)
    said = said.rsplit("Exception - ", 1)[-1].rsplit("Error: ", 1)[-1].strip()
    if said.startswith("{"):
        return message_in(said.encode())
    return None if _TRANSPORT_TALK.search(said) else said


def _retry_after(error: Exception) -> float | None:
    response = getattr(error, "response", None)
    headers = getattr(error, "litellm_response_headers", None) or getattr(response, "headers", None)
    value = headers.get("retry-after") if headers is not None else None
    return retry_after_s(value) if isinstance(value, str) else None
