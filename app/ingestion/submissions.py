"""What clients send to ``POST /v1/sources``, checked and turned into one thing, whichever body it came in."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import Field, ValidationError

from app.ingestion.schemas import RunView
from app.kit.errors import FieldError, Invalid
from app.kit.schema import ExternalId, Metadata, Schema
from app.knowledge.models import Refresh, SourceType
from app.knowledge.schemas import SourceView, Title

S = TypeVar("S", bound=Schema)


class _Common(Schema):
    """What every source may say about itself."""

    knowledge_base_id: str | None = None
    external_id: ExternalId | None = None
    metadata: Metadata | None = None
    activate: bool = True
    refresh: Refresh | None = None


class FileFields(_Common):
    """The fields beside ``file`` in a form."""

    title: Title | None = None


class TextSource(_Common):
    """A text sent as JSON."""

    type: Literal["text"]
    title: Title
    content: Annotated[str, Field(min_length=1)]


class SourceAccepted(Schema):
    """A source, and the run that learns from it."""

    source: SourceView
    run: RunView


class IngestAccepted(RunView):
    """The new run, and the same pair as ``POST /v1/sources`` answers with, so that one reader serves both."""

    source: SourceView
    run: RunView


@dataclass(frozen=True, slots=True)
class Submission:
    """A source as it was sent, its bytes aside. ``digest`` stands for the whole request, to recognise a repeat."""

    type: SourceType
    fields: FileFields
    digest: str


def text_source(body: Any) -> TextSource:
    """The text in a JSON body. Raises Invalid."""
    kind = cast(dict[str, Any], body).get("type") if isinstance(body, dict) else None  # JSON has text for keys.
    if kind in (SourceType.URL, SourceType.SITEMAP):
        raise Invalid.field("type", "sources on the web are not available yet; send the content itself")
    return validated(TextSource, body)


def validated(schema: type[S], value: Any) -> S:
    """``value`` as ``schema``. Raises Invalid with a dotted path for each wrong field."""
    try:
        return schema.model_validate(value)
    except ValidationError as fault:
        fields = tuple(
            FieldError(".".join(str(part) for part in error["loc"]) or "body", _sentence(error["msg"]))
            for error in fault.errors(include_url=False, include_context=False, include_input=False)
        )
        raise Invalid(f"{fields[0].path}: {fields[0].message}", errors=fields) from fault


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")
