"""People who sign in to the console: their e-mail, password hash and role."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlmodel import col

from app.http.principal import Principal
from app.kit.database import Session
from app.kit.errors import Conflict, Forbidden
from app.kit.ownership import get_owned, owned_by
from app.kit.paging import Page, PageRequest, paginate
from app.tenants.freshness import Freshness
from app.tenants.models import Role, User
from app.tenants.unique import taken_is


class EmailTaken(Conflict):
    """Somebody in this installation already signs in with this e-mail."""

    code = "email_taken"
    title = "This e-mail is already in use"


class LastOwner(Conflict):
    """A tenant that has owners must keep one."""

    code = "last_owner"
    title = "This is the last owner"


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to change; None leaves a field as it is."""

    email: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    role: Role | None = None


async def add_user(session: Session, tenant_id: UUID, email: str, password_hash: str, role: Role) -> User:
    """A new person of the tenant. Raises EmailTaken."""
    user = User(tenant_id=tenant_id, email=normal_email(email), password_hash=password_hash, role=role)
    async with taken_is(session, _email_taken()):
        session.add(user)
    return user


async def list_users(session: Session, tenant_id: UUID, page: PageRequest) -> Page[User]:
    """The tenant's people, newest first."""
    return await paginate(session, owned_by(tenant_id, User), col(User.id), page)


async def change_user(
    session: Session, tenant_id: UUID, user_id: UUID, change: UserChange, freshness: Freshness
) -> User:
    """Change a person; a new password ends all their sessions. Raises NotFound, EmailTaken, LastOwner."""
    user = await get_owned(session, tenant_id, User, user_id)
    if change.role is not None and change.role is not user.role:
        if user.role is Role.OWNER:
            await _require_another_owner(session, tenant_id, user_id)
        user.role = change.role
    async with taken_is(session, _email_taken()):
        user.email = normal_email(change.email) if change.email is not None else user.email
        if change.password_hash is not None:
            user.password_hash = change.password_hash
            user.session_epoch += 1
    session.after_commit(lambda: freshness.renew(tenant_id))
    return user


async def remove_user(session: Session, tenant_id: UUID, user_id: UUID, freshness: Freshness) -> None:
    """Remove a person and end their sessions. Raises NotFound, LastOwner."""
    user = await get_owned(session, tenant_id, User, user_id)
    if user.role is Role.OWNER:
        await _require_another_owner(session, tenant_id, user_id)
    await session.delete(user)
    session.after_commit(lambda: freshness.renew(tenant_id))


async def end_sessions(session: Session, tenant_id: UUID, user_id: UUID, freshness: Freshness) -> None:
    """Sign a person out everywhere. Raises NotFound."""
    user = await get_owned(session, tenant_id, User, user_id)
    user.session_epoch += 1
    session.after_commit(lambda: freshness.renew(tenant_id))


async def require_may_govern(
    session: Session, actor: Principal, *roles: Role | None, user_id: UUID | None = None
) -> None:
    """Only an owner (or a token with the scope admin) may make, change or remove owners.

    ``roles`` are those to be given, ``user_id`` is the person to be changed. Raises Forbidden, and NotFound.
    """
    if actor.user_id is None:
        return
    target = await get_owned(session, actor.tenant, User, user_id) if user_id is not None else None
    if Role.OWNER not in roles and (target is None or target.role is not Role.OWNER):
        return
    acting = (await session.exec(owned_by(actor.tenant, User).where(col(User.id) == actor.user_id))).first()
    if acting is None or acting.role is not Role.OWNER:
        raise Forbidden("Only an owner can make, change or remove an owner.")


def normal_email(email: str) -> str:
    """One spelling of an e-mail, since people do not mind capitals."""
    return email.strip().lower()


async def _require_another_owner(session: Session, tenant_id: UUID, user_id: UUID) -> None:
    """The owners' rows are locked, so that two owners cannot remove each other at the same moment."""
    owners = owned_by(tenant_id, User).where(col(User.role) == Role.OWNER).order_by(col(User.id)).with_for_update()
    if all(owner.id == user_id for owner in (await session.exec(owners)).all()):
        raise LastOwner("This is the tenant's last owner. Make somebody else an owner first.")


def _email_taken() -> EmailTaken:
    return EmailTaken("Somebody already signs in with this e-mail. Use another one.")
