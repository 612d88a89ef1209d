"""The two bodies of ``POST /v1/sources``: how they are read, and how the OpenAPI document shows them."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from app.adapters.blob_store import BlobStore
from app.http.docs import IDEMPOTENCY_KEY
from app.http.request import ApiRequest, parse_json
from app.ingestion.routes.multipart_form import FILE, MULTIPART, Form, read_form
from app.ingestion.submissions import FileFields, Submission, text_source, validated
from app.kit.errors import Invalid, TooLarge, UnsupportedType
from app.knowledge.intake import Received, discard, receive, receive_text
from app.knowledge.models import SourceType
from app.settings import Settings
from app.tenants.idempotency import digest_of

FORM_BYTES = 1024 * 1024
"""What a form may hold beside its file."""


async def read_submission(
    request: ApiRequest, tenant_id: UUID, blobs: BlobStore, settings: Settings
) -> tuple[Submission, Received]:
    """Read either body; the content is in the blob store then, and the caller's to attach or to discard.

    Raises UnsupportedType for any other content type, and BadRequest, Invalid and TooLarge for what is wrong inside.
    """
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == MULTIPART:
        return await _read_form(request, content_type, tenant_id, blobs, settings.max_upload_bytes)
    if media_type == "application/json" or media_type.endswith("+json"):
        return await _read_text(request, tenant_id, blobs, settings.max_upload_bytes)
    raise UnsupportedType("Send a file as multipart/form-data, or a text as application/json.")


async def _read_form(
    request: ApiRequest, content_type: str, tenant_id: UUID, blobs: BlobStore, limit_bytes: int
) -> tuple[Submission, Received]:
    form: Form[Received] = Form()
    try:
        await read_form(
            request.stream(),
            content_type,
            limit_bytes + FORM_BYTES,
            lambda name, content: receive(blobs, tenant_id, content, name, limit_bytes),
            form,
        )
        if form.file is None:
            raise Invalid.field(FILE, "is missing")
        fields = validated(FileFields, _with_metadata(form.fields))
    except BaseException:
        if form.file is not None:
            await discard(blobs, form.file)
        raise
    parts = (json.dumps(form.fields, sort_keys=True), form.file.file_name, form.file.content_hash)
    digest = digest_of(*(part.encode() for part in parts))
    return Submission(SourceType.FILE, fields, digest), form.file


def _with_metadata(fields: dict[str, str]) -> dict[str, Any]:
    """The fields as the schema wants them: ``metadata`` is JSON inside the form, and an empty field is none."""
    given: dict[str, Any] = {name: value for name, value in fields.items() if value != ""}
    if "metadata" in given:
        given["metadata"] = parse_json(fields["metadata"].encode())
    return given


async def _read_text(
    request: ApiRequest, tenant_id: UUID, blobs: BlobStore, limit_bytes: int
) -> tuple[Submission, Received]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit_bytes:
            raise TooLarge(f"The body is larger than the {limit_bytes:,} bytes allowed.")
    source = text_source(parse_json(bytes(body)))
    received = await receive_text(blobs, tenant_id, source.content, source.title, limit_bytes)
    fields = FileFields.model_validate(source.model_dump(exclude={"type", "content"}))
    return Submission(SourceType.TEXT, fields, digest_of(bytes(body))), received


def _text(description: str) -> Schema:
    return Schema(type=OpenAPIType.STRING, description=description)


_COMMON = {
    "knowledge_base_id": _text("Where it belongs; the tenant's default knowledge base when left out"),
    "external_id": _text("Your own name for it: the same name again makes a new version of the same document"),
    "activate": Schema(type=OpenAPIType.BOOLEAN, default=True, description="false leaves the new version staged"),
    "refresh": Schema(type=OpenAPIType.STRING, enum=["none"], description="Only sources on the web are refreshed"),
}
_FORM = Schema(
    type=OpenAPIType.OBJECT,
    required=[FILE],
    properties={
        FILE: Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="The document itself"),
        "title": _text("What people call it; the file's name when left out"),
        "metadata": _text("A JSON object of up to 50 flat values, by which searches can filter"),
        **_COMMON,
    },
)
_JSON = Schema(
    type=OpenAPIType.OBJECT,
    required=["type", "title", "content"],
    properties={
        "type": Schema(type=OpenAPIType.STRING, enum=["text"]),
        "title": _text("What people call it"),
        "content": _text("The text itself"),
        "metadata": Schema(type=OpenAPIType.OBJECT, description="Up to 50 flat values, by which searches can filter"),
        **_COMMON,
    },
)


@dataclass
class SubmitOperation(Operation):
    """One path with two content types, which a handler's signature cannot say."""

    def __post_init__(self) -> None:
        """Show both bodies."""
        content = {MULTIPART: OpenAPIMediaType(schema=_FORM), "application/json": OpenAPIMediaType(schema=_JSON)}
        self.request_body = RequestBody(content=content, required=True)
        self.parameters = [*(self.parameters or ()), IDEMPOTENCY_KEY]
