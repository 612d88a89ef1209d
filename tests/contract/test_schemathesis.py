"""The service under generated requests, good ones and bad ones, for every operation of its OpenAPI document.

A real server answers, since some routes stream. Whatever is sent: nothing crashes, every status, content type, header
and body is as the document says, what breaks the schema is refused, and every refusal is a problem. The requests are
the same at every run.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.served import Served, serve
from tests.isolation.operations import ANYBODY, KIND, OPEN, PLATFORM, SCOPES

EXAMPLES = 12
EVERY_OPERATION = sorted({*PLATFORM, *OPEN, *ANYBODY, *(name for names in SCOPES.values() for name in names)})
PROVIDER = {502, 503, 504}
"""A model provider failed, which a model that somebody made up always does."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def api(served: Served) -> Any:
    return schemathesis.openapi.from_url(f"{served.url}/schema/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", EVERY_OPERATION)
def test_every_operation_keeps_its_word(name: str, mode: GenerationMode, api: Any, served: Served) -> None:
    operation = api.find_operation_by_id(name)
    token = served.admin_key if name in PLATFORM | {"create_tenant"} else served.world.office.token

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def try_it(case: Case) -> None:
        if mode.is_positive:
            _make_real(case, served)
        answer = case.call(base_url=served.url, timeout=20, headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=CHECKS)

    try:
        try_it()
    except Unsatisfiable:
        pytest.skip("there is nothing to get wrong here")


def _make_real(case: Case, served: Served) -> None:
    """Put ids of real things where ids are wanted, in two of three requests that do not delete them."""
    if case.method == "DELETE" or sum(map(ord, str(case.body))) % 3 == 0:
        return
    ids = served.world.ids
    for name in case.path_parameters:
        if name != "tenant_id":
            case.path_parameters[name] = ids[KIND.get(name, name)]
    if isinstance(case.body, dict):
        for name in case.body.keys() & ids.keys() & {"bot_id", "chat_id", "knowledge_base_id"}:
            if isinstance(case.body[name], str):
                case.body[name] = ids[name]


def never_crashes(_context: CheckContext, response: Response, case: Case) -> None:
    """No 5xx, but for a provider's failure where the document names it."""
    named = {int(status) for status in case.operation.definition.raw["responses"] if status.isdigit()}
    assert response.status_code < 500 or response.status_code in PROVIDER & named, response.text


def refuses_what_breaks_the_schema(context: CheckContext, response: Response, case: Case) -> None:
    """A body that is not as it should be is refused. (Paths and queries are strings, and unknown ones are not read.)"""
    if response.status_code == 413:
        return  # Which it breaks first: the limit of its bytes.
    if case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY):
        negative_data_rejection(context, response, case)


def refuses_with_a_problem(_context: CheckContext, response: Response, case: Case) -> None:
    """Every refusal is a problem, or has OpenAI's shape at OpenAI's door."""
    assert response.headers["x-request-id"]
    if response.status_code < 400 or case.path == "/health/ready":
        return
    body = response.json()
    if case.path.startswith("/openai"):
        assert body["error"].keys() == {"message", "type", "param", "code"}
        return
    assert response.headers["content-type"] == ["application/problem+json"]
    assert body["type"] == f"/problems/{body['code']}"
    assert body["status"] == response.status_code


CHECKS = [
    never_crashes,
    refuses_with_a_problem,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    refuses_what_breaks_the_schema,
]
