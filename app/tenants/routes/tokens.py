"""``/v1/tokens``: the tenant's API tokens."""

from collections.abc import Sequence
from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from app.http.access import needs
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.database import Database
from app.kit.ids import parse_id
from app.kit.paging import DEFAULT_LIMIT, PageRequest
from app.secrets import Secrets
from app.tenants import tokens
from app.tenants.freshness import Freshness
from app.tenants.models import ApiToken
from app.tenants.schemas.tokens import NewToken, TokenCreated, TokenPage, TokenView

TAGS = ["Identity"]


@post(
    "/v1/tokens",
    guards=[needs(Scope.ADMIN)],
    operation_id="create_token",
    summary="Make an API token",
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 413, 415, 422),
)
async def create_token(
    data: JSONBody[NewToken],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    bot_directory: NamedDependency[tokens.BotDirectory],
    secrets: NamedDependency[Secrets],
) -> TokenCreated:
    """The token is shown this once; only a keyed hash of it is kept."""
    draft = tokens.check(_draft(data), principal)
    async with database.transaction(principal.tenant) as session:
        if draft.bot_ids is not None:
            await bot_directory.require(session, principal.tenant, draft.bot_ids)
        token, plain = await tokens.mint(session, principal.tenant, draft, secrets.token_pepper)
        return TokenCreated(token=plain, **token_view(token).model_dump())


@get(
    "/v1/tokens",
    guards=[needs(Scope.ADMIN)],
    operation_id="list_tokens",
    summary="List API tokens",
    tags=TAGS,
    responses=problems(401, 403, 422),
)
async def list_tokens(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> TokenPage:
    """Newest first. ``last_used_at`` is exact to the minute."""
    page = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        found = await tokens.list_tokens(session, principal.tenant, page)
    return TokenPage(items=[token_view(token) for token in found.rows], next_cursor=found.next_cursor)


@delete(
    "/v1/tokens/{token_id:str}",
    guards=[needs(Scope.ADMIN)],
    operation_id="revoke_token",
    summary="Revoke an API token",
    tags=TAGS,
    responses=problems(401, 403, 404),
)
async def revoke_token(
    token_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    freshness: NamedDependency[Freshness],
) -> None:
    """It stops working at once, in every process."""
    found_id = parse_id(token_id)
    async with database.transaction(principal.tenant) as session:
        await tokens.revoke(session, principal.tenant, found_id, freshness)


def token_view(token: ApiToken) -> TokenView:
    """The token as lists show it."""
    return TokenView(
        id=token.id,
        name=token.name,
        kind=token.kind,
        prefix=token.prefix,
        scopes=[Scope(scope) for scope in token.scopes],
        bot_ids=None if token.bot_ids is None else [UUID(bot_id) for bot_id in token.bot_ids],
        allowed_origins=token.allowed_origins,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        created_at=token.created_at,
    )


def _draft(data: NewToken) -> tokens.TokenDraft:
    return tokens.TokenDraft(
        name=data.name,
        scopes=frozenset(data.scopes),
        kind=data.kind,
        bot_ids=None if data.bot_ids is None else frozenset(parse_id(bot_id) for bot_id in data.bot_ids),
        allowed_origins=tuple(data.allowed_origins or ()),
        expires_at=data.expires_at,
    )


ROUTES: Sequence[HTTPRouteHandler] = (create_token, list_tokens, revoke_token)
