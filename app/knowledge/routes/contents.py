"""``/v1/documents/{id}/chunks``, ``/text`` and ``/file``: what a version says, cut, plain and as it came."""

from urllib.parse import quote

from litestar import MediaType as HttpMediaType
from litestar import get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery
from litestar.response import Response, Stream

from app.http.access import needs_any
from app.http.docs import FileOperation, problems
from app.http.principal import Principal
from app.kit.database import Database
from app.kit.errors import NotFound
from app.kit.ids import parse_id
from app.kit.paging import PageRequest
from app.knowledge.contents import CONTENT_TYPES, chunk_page, file_of, text_of
from app.knowledge.documents import find_version
from app.knowledge.routes.documents import READERS, TAGS
from app.knowledge.routes.parameters import GivenBlobs
from app.knowledge.schemas import ChunkList, chunk_view


@get(
    "/v1/documents/{document_id:str}/chunks",
    guards=[needs_any(*READERS)],
    operation_id="list_document_chunks",
    summary="List a version's chunks",
    tags=TAGS,
    responses=problems(401, 403, 404, 422),
)
async def list_chunks(
    document_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    version_id: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> ChunkList:
    """A version's chunks in reading order; without ``version_id`` the active version's, else the newest's."""
    page_request = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        version = await find_version(session, principal.tenant, parse_id(document_id), version_id)
        page = await chunk_page(session, principal.tenant, version, page_request)
    return ChunkList(items=[chunk_view(chunk) for chunk in page.rows], next_cursor=page.next_cursor)


@get(
    "/v1/documents/{document_id:str}/text",
    guards=[needs_any(*READERS)],
    operation_id="get_document_text",
    summary="Read a version's text",
    tags=TAGS,
    media_type=HttpMediaType.TEXT,
    responses={
        200: ResponseSpec(str, media_type="text/plain", description="The normalised text", generate_examples=False),
        **problems(401, 403, 404),
    },
)
async def get_text(
    document_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    version_id: FromQuery[str | None] = None,
) -> Response[str]:
    """A version's normalised text, which all offsets count in, as code points."""
    async with database.reading(principal.tenant) as session:
        version = await find_version(session, principal.tenant, parse_id(document_id), version_id)
        text = await text_of(session, principal.tenant, version)
    return Response(text, media_type=HttpMediaType.TEXT)


@get(
    "/v1/documents/{document_id:str}/file",
    guards=[needs_any(*READERS)],
    operation_id="get_document_file",
    summary="Download a version's file",
    tags=TAGS,
    operation_class=FileOperation,
    responses={
        200: ResponseSpec(
            bytes, media_type="application/octet-stream", description="The file as it came", generate_examples=False
        ),
        **problems(401, 403, 404),
    },
)
async def get_file(
    document_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    blobs: GivenBlobs,
    version_id: FromQuery[str | None] = None,
) -> Stream:
    """The bytes a version was read from, exactly as they came; always an attachment, never shown by a browser."""
    async with database.reading(principal.tenant) as session:
        version = await find_version(session, principal.tenant, parse_id(document_id), version_id)
        upload = await file_of(session, principal.tenant, version)
    if not await blobs.exists(upload.blob_key):
        raise NotFound("The file of this version is no longer there.")
    return Stream(
        blobs.read(upload.blob_key),
        media_type=CONTENT_TYPES.get(upload.media_type, "application/octet-stream"),
        headers={
            "Content-Disposition": _attachment(upload.file_name),
            "Content-Length": str(upload.size_bytes),
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _attachment(file_name: str) -> str:
    """RFC 6266: an ASCII name for old clients, the real one (RFC 8187) for all others."""
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in file_name)
    plain = plain.replace("\\", "_").replace('"', "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"


ROUTES = (list_chunks, get_text, get_file)
