"""``/v1/users``: the tenant's people."""

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
from app.kit.passwords import Passwords
from app.tenants import users
from app.tenants.freshness import Freshness
from app.tenants.models import User
from app.tenants.schemas.people import NewUser, UserPage, UserPatch, UserView

TAGS = ["Identity"]


@post(
    "/v1/users",
    guards=[needs(Scope.ADMIN)],
    operation_id="create_user",
    summary="Add a person",
    tags=TAGS,
    responses=problems(400, 401, 403, 409, 413, 415, 422),
)
async def create_user(
    data: JSONBody[NewUser],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    passwords: NamedDependency[Passwords],
) -> UserView:
    """Only an owner, or a token, may add an owner."""
    hashed = await passwords.hash(data.password)
    async with database.transaction(principal.tenant) as session:
        await users.require_may_govern(session, principal, data.role)
        return user_view(await users.add_user(session, principal.tenant, data.email, hashed, data.role))


@get(
    "/v1/users",
    guards=[needs(Scope.ADMIN)],
    operation_id="list_users",
    summary="List the tenant's people",
    tags=TAGS,
    responses=problems(401, 403, 422),
)
async def list_users(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    limit: FromQuery[int] = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> UserPage:
    """Newest first."""
    page = PageRequest.parse(limit, cursor)
    async with database.reading(principal.tenant) as session:
        found = await users.list_users(session, principal.tenant, page)
    return UserPage(items=[user_view(user) for user in found.rows], next_cursor=found.next_cursor)


@patch(
    "/v1/users/{user_id:str}",
    guards=[needs(Scope.ADMIN)],
    operation_id="change_user",
    summary="Change a person's e-mail, password or role",
    tags=TAGS,
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422),
)
async def change_user(
    user_id: FromPath[str],
    data: JSONBody[UserPatch],
    *,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    passwords: NamedDependency[Passwords],
    freshness: NamedDependency[Freshness],
) -> UserView:
    """A new password ends that person's sessions at once."""
    found_id = parse_id(user_id)
    hashed = None if data.password is None else await passwords.hash(data.password)
    change = users.UserChange(data.email, hashed, data.role)
    async with database.transaction(principal.tenant) as session:
        await users.require_may_govern(session, principal, data.role, user_id=found_id)
        return user_view(await users.change_user(session, principal.tenant, found_id, change, freshness))


@delete(
    "/v1/users/{user_id:str}",
    guards=[needs(Scope.ADMIN)],
    operation_id="delete_user",
    summary="Remove a person",
    tags=TAGS,
    responses=problems(401, 403, 404, 409),
)
async def delete_user(
    user_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    freshness: NamedDependency[Freshness],
) -> None:
    """Their sessions end at once. The last owner stays."""
    found_id = parse_id(user_id)
    async with database.transaction(principal.tenant) as session:
        await users.require_may_govern(session, principal, user_id=found_id)
        await users.remove_user(session, principal.tenant, found_id, freshness)


def user_view(user: User) -> UserView:
    """The person as the API shows them."""
    return UserView(id=user.id, email=user.email, role=user.role, created_at=user.created_at)


ROUTES: Sequence[HTTPRouteHandler] = (create_user, list_users, change_user, delete_user)
