"""How routes describe their failures in the OpenAPI document."""

from dataclasses import dataclass
from uuid import UUID

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Parameter
from litestar.openapi.spec import Schema as OpenAPISchema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from pydantic import ConfigDict, Field

from app.http.problems import MEDIA_TYPE
from app.kit.ids import new_id
from app.kit.schema import Schema

MEANING = {
    400: "The body could not be read",
    401: "No token, or one that is not good",
    403: "The token lacks the scope",
    404: "There is no such thing in this tenant",
    405: "The path exists, the method does not",
    409: "This contradicts the present state",
    413: "The body is too large",
    415: "The content type is not supported",
    422: "A field is not valid",
    429: "A rate or a quota is used up",
    502: "The model provider failed",
    503: "A service this needs is down",
    504: "The model provider did not answer in time",
}


class ProblemField(Schema):
    """One wrong field of a request; ``path`` is dotted."""

    path: str
    message: str


class Problem(Schema):
    """RFC 9457 problem details. ``code`` is stable, for programs; ``detail`` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(pattern=r"^/problems/[a-z_]+$")
    title: str
    status: int
    detail: str
    code: str = Field(pattern="^[a-z_]+$")
    request_id: str
    # What is made afresh is not shown as a default, which these have not: they are absent or meant.
    errors: list[ProblemField] = Field(default_factory=list[ProblemField], description="Only where fields are wrong")
    retry_after_s: float = Field(default_factory=float, description="Only where waiting helps")
    message_id: UUID = Field(default_factory=new_id, description="Only where an answer had begun")


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The ``responses`` of a route that may fail with these statuses."""
    return {
        status: ResponseSpec(Problem, media_type=MEDIA_TYPE, description=MEANING[status], generate_examples=False)
        for status in sorted(statuses)
    }


@dataclass
class FileOperation(Operation):
    """A route that gives a file as it came, whose content type is its own."""

    def __post_init__(self) -> None:
        """Show that any type may come."""
        success = (self.responses or {}).get("200")
        if isinstance(success, OpenAPIResponse) and success.content is not None:
            binary = OpenAPISchema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
            success.content = {kind: OpenAPIMediaType(schema=binary) for kind in ("application/octet-stream", "*/*")}


IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    description="The same key within 24 hours gives the first result and does the work once",
    schema=OpenAPISchema(type=OpenAPIType.STRING),
)
"""For routes that read the header from the request themselves."""
