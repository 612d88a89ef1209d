"""Signing in: an e-mail and a password become a session."""

from dataclasses import dataclass, field

from sqlmodel import col, select

from app.kit.database import EVERY_TENANT, Database
from app.kit.errors import Unauthenticated
from app.kit.ownership import owned_update
from app.kit.passwords import Passwords
from app.tenants import sessions
from app.tenants.models import User
from app.tenants.users import normal_email


class InvalidLogin(Unauthenticated):
    """The e-mail is unknown or the password is wrong; the answer does not tell which."""

    code = "invalid_login"
    title = "The sign-in failed"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session."""

    access_token: str = field(repr=False)
    expires_in_s: int


class Login:
    """Checks passwords and issues sessions of ``ttl_s`` seconds."""

    def __init__(self, database: Database, passwords: Passwords, jwt_key: str, ttl_s: int) -> None:
        self._database = database
        self._passwords = passwords
        self._jwt_key = jwt_key
        self._ttl_s = ttl_s

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """A session for whoever knows the password. Raises InvalidLogin, as slowly for unknown e-mails."""
        user = await self._find(normal_email(email))
        good = await self._passwords.matches(None if user is None else user.password_hash, password)
        if user is None or not good:
            raise InvalidLogin("The e-mail or the password is wrong.")
        if self._passwords.is_outdated(user.password_hash):
            await self._renew_hash(user, password)
        claims = sessions.Claims(user.id, user.tenant_id, user.session_epoch)
        return SignedIn(sessions.issue(self._jwt_key, claims, self._ttl_s), self._ttl_s)

    async def _find(self, email: str) -> User | None:
        query = select(User).where(col(User.email) == email)  # unowned: an e-mail is unique in the installation.
        async with self._database.reading(EVERY_TENANT) as session:
            return (await session.exec(query)).first()

    async def _renew_hash(self, user: User, password: str) -> None:
        """Hash the password anew with today's parameters, unless it was changed in the meantime."""
        renewed = await self._passwords.hash(password)
        seen = col(User.password_hash) == user.password_hash
        update = owned_update(user.tenant_id, User).where(col(User.id) == user.id, seen)
        async with self._database.transaction(user.tenant_id) as session:
            await session.exec(update.values(password_hash=renewed))
