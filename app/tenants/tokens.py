"""API tokens: made, listed, revoked. Verifying them is ``verifier.py``'s."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from sqlmodel import col

from app.http.principal import Principal, Scope
from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import Forbidden, Invalid
from app.kit.ownership import get_owned, owned_by
from app.kit.paging import Page, PageRequest, paginate
from app.tenants import token_format
from app.tenants.freshness import Freshness
from app.tenants.models import ApiToken, TokenKind
from app.tenants.origins import normal_origin


@runtime_checkable  # The framework checks what it injects with isinstance.
class BotDirectory(Protocol):
    """What tokens need to know of bots, which live above this slice."""

    async def require(self, session: Session, tenant_id: UUID, bot_ids: Iterable[UUID]) -> None:
        """Raises NotFound unless all these bots are the tenant's."""
        ...


@dataclass(frozen=True, slots=True)
class TokenDraft:
    """A token to be made. ``bot_ids`` None means every bot of the tenant."""

    name: str
    scopes: frozenset[Scope]
    kind: TokenKind = TokenKind.SECRET
    bot_ids: frozenset[UUID] | None = None
    allowed_origins: tuple[str, ...] = ()
    expires_at: datetime | None = None


def check(draft: TokenDraft, maker: Principal) -> TokenDraft:
    """The draft, with its origins in the form browsers send.

    Raises Invalid for fields that contradict each other, and Forbidden where the token could do more than its maker.
    """
    if draft.expires_at is not None and draft.expires_at <= now():
        raise Invalid.field("expires_at", "must lie in the future")
    checked = _publishable(draft) if draft.kind is TokenKind.PUBLISHABLE else _secret(draft)
    for scope in sorted(checked.scopes):
        if not maker.may(scope):
            raise Forbidden(f"You cannot give the scope '{scope.value}', because your own token does not have it.")
    if maker.bot_ids is not None and (checked.bot_ids is None or not checked.bot_ids <= maker.bot_ids):
        raise Forbidden("Your own token is bound to some bots; name only those in bot_ids.")
    return checked


async def mint(session: Session, tenant_id: UUID, draft: TokenDraft, pepper: str) -> tuple[ApiToken, str]:
    """Store a token's digest; returns the row and the token itself, which nobody can show again."""
    plain = token_format.generate(draft.kind)
    token = ApiToken(
        tenant_id=tenant_id,
        name=draft.name,
        kind=draft.kind,
        prefix=token_format.shown_prefix(plain),
        digest=token_format.digest(pepper, plain),
        scopes=sorted(scope.value for scope in draft.scopes),
        bot_ids=None if draft.bot_ids is None else sorted(str(bot_id) for bot_id in draft.bot_ids),
        allowed_origins=list(draft.allowed_origins) if draft.kind is TokenKind.PUBLISHABLE else None,
        expires_at=draft.expires_at,
    )
    session.add(token)
    await session.flush()
    return token, plain


async def list_tokens(session: Session, tenant_id: UUID, page: PageRequest) -> Page[ApiToken]:
    """The tenant's tokens that were not revoked, newest first."""
    return await paginate(session, owned_by(tenant_id, ApiToken), col(ApiToken.id), page)


async def revoke(session: Session, tenant_id: UUID, token_id: UUID, freshness: Freshness) -> None:
    """End a token, in every process at once. Raises NotFound, also the second time."""
    await session.delete(await get_owned(session, tenant_id, ApiToken, token_id))
    session.after_commit(lambda: freshness.renew(tenant_id))


def _publishable(draft: TokenDraft) -> TokenDraft:
    if draft.scopes - {Scope.CHAT}:
        raise Invalid.field("scopes", "a publishable token can only have the scope 'chat'; it stands in public pages")
    if not draft.bot_ids:
        raise Invalid.field("bot_ids", "a publishable token must name the bots it may chat with")
    if not draft.allowed_origins:
        raise Invalid.field("allowed_origins", "a publishable token must name the origins of its pages")
    origins = dict.fromkeys(_origin(index, text) for index, text in enumerate(draft.allowed_origins))
    return replace(draft, scopes=frozenset({Scope.CHAT}), allowed_origins=tuple(origins))


def _secret(draft: TokenDraft) -> TokenDraft:
    if not draft.scopes:
        raise Invalid.field("scopes", "name at least one scope; a token without any could do nothing")
    if draft.allowed_origins:
        raise Invalid.field("allowed_origins", "only a publishable token is bound to origins")
    if draft.bot_ids is not None and not draft.bot_ids:
        raise Invalid.field("bot_ids", "name at least one bot, or leave it out for all bots")
    return draft


def _origin(index: int, text: str) -> str:
    origin = normal_origin(text)
    if origin is None:
        raise Invalid.field(f"allowed_origins.{index}", "must be a bare origin such as https://www.example.com")
    return origin
