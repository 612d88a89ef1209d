"""What LiteLLM is given and not given, what its errors become, and that it comes in late and offline."""

import subprocess
import sys
import textwrap

import pytest

from app.adapters.litellm_call import NO_KEY, litellm_arguments, litellm_errors
from app.adapters.provider_errors import StreamCut
from app.kit.errors import (
    NotFound,
    ProviderAuthFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
)
from app.kit.models import ModelEndpoint


def run(program: str) -> str:
    """Run a program of its own, warnings being errors, with every socket shut to the outside."""
    shut = """
        import socket, sys
        def shut(*args, **kwargs): raise AssertionError(f"the network was asked for {args}")
        socket.getaddrinfo = socket.create_connection = shut
    """
    source = textwrap.dedent(shut) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_routing_loads_none_of_the_heavy_libraries() -> None:
    program = """
        import app.adapters.llm.dispatch, app.adapters.embedder.dispatch, app.adapters.tokens
        heavy = {"litellm", "openai", "onnxruntime", "tokenizers", "tiktoken", "numpy", "aiohttp"}
        print(sorted(heavy & set(sys.modules)))
    """
    assert run(program) == "[]"


@pytest.mark.litellm
def test_loading_litellm_is_quiet_offline_and_does_not_read_dot_env() -> None:
    program = """
        import asyncio, os, tempfile
        os.chdir(tempfile.mkdtemp())
        open_file = open(".env", "w"); open_file.write("OPENAI_API_KEY=sk-of-the-operator"); open_file.close()
        from app.adapters.litellm_gate import LiteLLMGate
        async def main():
            gate = LiteLLMGate()
            assert not gate.loaded
            first, second = await asyncio.gather(gate.load(), gate.load())
            assert first is second and gate.loaded
            await gate.aclose()
        asyncio.run(main())
        print("litellm" in sys.modules, os.environ.get("OPENAI_API_KEY"))
    """
    assert run(program) == "True None"


def test_a_call_carries_the_tenants_key_or_a_wrong_one_but_never_none() -> None:
    with_key = litellm_arguments(
        ModelEndpoint("groq/llama", "gsk", "https://x", {"api_version": "1", "mock_response": "x"})
    )
    assert with_key == {
        "model": "groq/llama", "api_key": "gsk", "api_base": "https://x", "api_version": "1",
        "max_retries": 0, "num_retries": 0,
    }  # fmt: skip
    assert litellm_arguments(ModelEndpoint("groq/llama"))["api_key"] == NO_KEY


@pytest.mark.parametrize(
    ("model", "key", "extra"),
    [
        ("groq/x", "os.environ/GROQ_API_KEY", {}),
        ("azure/x", "k", {"api_version": "os.environ/HOME"}),
        ("bedrock/x", None, {"aws_access_key_id": "os.environ/AWS_ACCESS_KEY_ID"}),
        ("vertex_ai/x", None, {"vertex_credentials": "/etc/google.json"}),
    ],
)
def test_a_credential_must_not_point_into_this_machine(model: str, key: str | None, extra: dict[str, str]) -> None:
    with pytest.raises(ProviderRefused, match="the secret itself"):
        litellm_arguments(ModelEndpoint(model, key, None, extra))


@pytest.mark.parametrize("model", ["bedrock/x", "sagemaker/x", "vertex_ai/gemini"])
def test_a_cloud_provider_is_not_reached_with_this_machines_identity(model: str) -> None:
    with pytest.raises(ProviderAuthFailed, match="among its extra values"):
        litellm_arguments(ModelEndpoint(model, "k"))
    extra = {"aws_access_key_id": "a", "vertex_credentials": '{"type": "service_account"}'}
    assert "api_key" not in litellm_arguments(ModelEndpoint(model, "k", None, extra))


class Timeout(Exception): ...


class MidStreamFallbackError(Exception): ...


class Failure(Exception):
    def __init__(self, message: str, status_code: int | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.litellm_response_headers = headers


@pytest.mark.parametrize(
    ("raised", "kind", "detail"),
    [
        (Timeout("x"), ProviderTimeout, "m: the provider did not answer in time."),
        (
            MidStreamFallbackError("litellm.APIError: OpenAIException - overloaded"),
            StreamCut,
            "m: the answer was cut in mid-stream: overloaded.",
        ),
        (MidStreamFallbackError("400, message='Not enough data'"), StreamCut, "m: the answer was cut in mid-stream."),
        (
            Failure('litellm.AuthenticationError: XException - {"error": {"message": "bad sk-key"}}', 401),
            ProviderAuthFailed,
            "m: the provider answered 401: bad [secret]. Check the credential.",
        ),
        (
            Failure("slow down", 429, {"retry-after": "7"}),
            ProviderRateLimited,
            "m: the provider answered 429: slow down",
        ),
        (Failure("<html>oops", 500), ProviderError, "m: the provider answered 500"),
        (Failure("no such model", 404), ProviderRefused, "m: the provider answered 404: no such model"),
        (ValueError("odd"), ProviderError, "m: odd"),
        (ValueError(), ProviderError, "m: ValueError"),
    ],
)
def test_litellms_failures_get_our_names(raised: Exception, kind: type[ProviderError], detail: str) -> None:
    with pytest.raises(kind) as caught, litellm_errors(ModelEndpoint("m", "sk-key")):
        raise raised
    assert type(caught.value) is kind
    assert caught.value.detail == detail
    assert caught.value.retry_after_s == (7 if kind is ProviderRateLimited else None)


def test_our_own_errors_pass_through_unchanged() -> None:
    with pytest.raises(NotFound), litellm_errors(ModelEndpoint("m")):
        raise NotFound("x")
