"""Whose bearer token this is: the one door by which every request's caller becomes known.

the platform's admin key    compared in constant time, known to no table
mr_… and mrpk_…             checksum, then HMAC digest, then memory (a minute) or SQL
anything else               a console session, or nothing
"""

import hashlib
import hmac
from uuid import UUID

from sqlmodel import col, select

from app.http.principal import Principal, PrincipalKind, Scope
from app.kit.clock import now
from app.kit.database import EVERY_TENANT, Database
from app.kit.errors import Forbidden, Unauthenticated
from app.kit.ownership import owned_by
from app.secrets import Secrets
from app.tenants import sessions, token_format
from app.tenants.freshness import Freshness
from app.tenants.identity_cache import Identity, IdentityCache
from app.tenants.last_used import LastUsed
from app.tenants.models import ApiToken, Role, TokenKind, User
from app.tenants.origins import normal_origin

PLATFORM = Principal(PrincipalKind.PLATFORM, actor="platform")

_BY_ROLE = {
    Role.OWNER: frozenset({Scope.ADMIN}),
    Role.ADMIN: frozenset({Scope.ADMIN}),
    Role.MEMBER: frozenset({Scope.SEARCH, Scope.CHAT}),
}


class TokenVerifier:
    """The web's ``Authenticator``. A verification from memory costs a hash and one word from Redis, no SQL."""

    def __init__(self, database: Database, secrets: Secrets, freshness: Freshness, last_used: LastUsed) -> None:
        self._database = database
        self._secrets = secrets
        self._cache = IdentityCache(freshness)
        self._last_used = last_used

    async def authenticate(self, bearer: str, origin: str | None) -> Principal:
        """The caller. Raises Unauthenticated, and Forbidden for a publishable token from a wrong origin."""
        if _same(bearer, self._secrets.admin_key):
            return PLATFORM
        if token_format.looks_like_token(bearer):
            return await self._token(bearer, origin)
        return await self._session(bearer)

    async def _token(self, bearer: str, origin: str | None) -> Principal:
        if not token_format.is_well_formed(bearer):
            raise Unauthenticated("This token is misspelled: its checksum is wrong. Copy it again, whole.")
        digest = token_format.digest(self._secrets.token_pepper, bearer)
        identity = await self._cache.find(digest, lambda: self._load_token(digest))
        if identity is None:
            raise Unauthenticated("This token is unknown or was revoked.")
        if identity.expires_at is not None and identity.expires_at <= now():
            raise Unauthenticated("This token has expired. Ask for a new one.")
        _check_origin(identity, origin)
        principal = identity.principal
        if principal.token_id is not None:
            self._last_used.note(principal.tenant, principal.token_id)
        return principal

    async def _session(self, bearer: str) -> Principal:
        claims = sessions.read(self._secrets.jwt_key, bearer)
        identity = await self._cache.find(f"user:{claims.user_id}", lambda: self._load_user(claims))
        if identity is None or identity.session_epoch != claims.epoch or identity.principal.tenant != claims.tenant_id:
            raise Unauthenticated("This session was ended. Sign in again.")
        return identity.principal

    async def _load_token(self, digest: str) -> Identity | None:
        query = select(ApiToken).where(col(ApiToken.digest) == digest)  # unowned: a digest tells whose token it is.
        async with self._database.reading(EVERY_TENANT) as session:
            token = (await session.exec(query)).first()
        return None if token is None else _token_identity(token)

    async def _load_user(self, claims: sessions.Claims) -> Identity | None:
        async with self._database.reading(claims.tenant_id) as session:
            query = owned_by(claims.tenant_id, User).where(col(User.id) == claims.user_id)
            user = (await session.exec(query)).first()
        return None if user is None else _user_identity(user)


def _same(left: str, right: str) -> bool:
    """Equality that takes the same time wherever, and by how much, the two differ."""
    digests = (hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (left, right))
    return hmac.compare_digest(*digests)


def _check_origin(identity: Identity, origin: str | None) -> None:
    allowed = identity.allowed_origins
    if allowed is None:
        return
    if origin is None or normal_origin(origin) not in allowed:
        raise Forbidden("This publishable token may not be used from this origin.")


def _token_identity(token: ApiToken) -> Identity:
    publishable = token.kind is TokenKind.PUBLISHABLE
    principal = Principal(
        PrincipalKind.PUBLISHABLE if publishable else PrincipalKind.TOKEN,
        token.tenant_id,
        frozenset({Scope.CHAT}) if publishable else frozenset(Scope(scope) for scope in token.scopes),
        token_id=token.id,
        bot_ids=None if token.bot_ids is None else frozenset(UUID(bot_id) for bot_id in token.bot_ids),
        actor=f"token:{token.id}",
    )
    origins = frozenset(token.allowed_origins or ()) if publishable else None
    return Identity(principal, token.expires_at, origins)


def _user_identity(user: User) -> Identity:
    principal = Principal(
        PrincipalKind.USER, user.tenant_id, _BY_ROLE[user.role], user_id=user.id, actor=f"user:{user.id}"
    )
    return Identity(principal, session_epoch=user.session_epoch)
