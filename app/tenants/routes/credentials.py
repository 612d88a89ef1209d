"""``/v1/credentials``: providers' secrets. They come in here and never go out."""

from collections.abc import Sequence

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from app.http.access import needs
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.database import Database
from app.kit.ids import parse_id
from app.kit.paging import DEFAULT_LIMIT, PageRequest
from app.kit.sealing import Sealer
from app.tenants import credentials
from app.tenants.models import Credential
from app.tenants.schemas.credentials import CredentialPage, CredentialPatch, CredentialView, NewCredential

TAGS = ["Credentials"]


@post(
    "/v1/credentials",
    guards=[needs(Scope.ADMIN)],
    operation_id="create_credential",
    summary="Store a provider's secret",
    tags=TAGS,
    responses=problems(400, 401, 403, 409, 413, 415, 422),
)
async def create_credential(
    data: JSONBody[NewCredential],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    sealer: NamedDependency[Sealer],
    guard: NamedDependency[credentials.AddressGuard],
) -> CredentialView:
    """The key and ``extra`` are sealed and cannot be read again, only replaced."""
    credentials.check_api_base(guard, data.api_base)
    draft = credentials.CredentialDraft(data.name, data.provider, data.api_key, data.api_base, data.extra or {})
    async with database.transaction(principal.tenant) as session:
        return credential_view(await credentials.add_credential(session, principal.tenant, draft, sealer))


@get(
    "/v1/credentials",
    guards=[needs(Scope.ADMIN)],
    operation_id="list_credentials",
    summary="List credentials",
    tags=TAGS,
    responses=problems(401, 403, 422),
)
async def list_credentials(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> CredentialPage:
    """Newest first."""
    page = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        found = await credentials.list_credentials(session, principal.tenant, page)
    return CredentialPage(items=[credential_view(row) for row in found.rows], next_cursor=found.next_cursor)


@get(
    "/v1/credentials/{credential_id:str}",
    guards=[needs(Scope.ADMIN)],
    operation_id="get_credential",
    summary="Show a credential",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def get_credential(
    credential_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> CredentialView:
    """Everything but the secret."""
    found_id = parse_id(credential_id)
    async with database.reading(principal.tenant) as session:
        return credential_view(await credentials.get_credential(session, principal.tenant, found_id))


@patch(
    "/v1/credentials/{credential_id:str}",
    guards=[needs(Scope.ADMIN)],
    operation_id="change_credential",
    summary="Change a credential",
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422),
)
async def change_credential(
    credential_id: FromPath[str],
    data: JSONBody[CredentialPatch],
    *,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    sealer: NamedDependency[Sealer],
    guard: NamedDependency[credentials.AddressGuard],
) -> CredentialView:
    """What is left out stays as it is."""
    found_id = parse_id(credential_id)
    credentials.check_api_base(guard, data.api_base)
    change = _change(data)
    async with database.transaction(principal.tenant) as session:
        row = await credentials.change_credential(session, principal.tenant, found_id, change, sealer)
        return credential_view(row)


@delete(
    "/v1/credentials/{credential_id:str}",
    guards=[needs(Scope.ADMIN)],
    operation_id="delete_credential",
    summary="Delete a credential",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def delete_credential(
    credential_id: FromPath[str], principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> None:
    """Bots and embedding models that used it go on without one."""
    found_id = parse_id(credential_id)
    async with database.transaction(principal.tenant) as session:
        await credentials.remove_credential(session, principal.tenant, found_id)


def credential_view(row: Credential) -> CredentialView:
    """The credential as anybody may see it."""
    return CredentialView(
        id=row.id,
        name=row.name,
        provider=row.provider,
        api_base=row.api_base,
        last4=row.last4,
        key_fingerprint=row.key_fingerprint,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _change(data: CredentialPatch) -> credentials.CredentialChange:
    named = data.model_fields_set
    return credentials.CredentialChange(
        name=data.name,
        provider=data.provider,
        api_key=data.api_key,
        api_base=data.api_base,
        clear_api_base="api_base" in named and data.api_base is None,
        extra=(data.extra or {}) if "extra" in named else None,
    )


ROUTES: Sequence[HTTPRouteHandler] = (
    create_credential,
    list_credentials,
    get_credential,
    change_credential,
    delete_credential,
)
