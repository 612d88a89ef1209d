"""Providers' secrets: taken in, sealed, used, and never shown again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import col

from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import AppError, Conflict, Invalid
from app.kit.ids import new_id
from app.kit.models import ModelEndpoint
from app.kit.ownership import get_owned, owned_by
from app.kit.paging import Page, PageRequest, paginate
from app.kit.sealing import Sealed, Sealer
from app.tenants.models import Credential
from app.tenants.unique import taken_is

_SHORTEST_SHOWN = 8
"""Of a shorter key not even the last four characters are shown."""


@runtime_checkable  # The framework checks what it injects with isinstance.
class AddressGuard(Protocol):
    """What this slice needs of the guard against private addresses. Names are resolved, and vetted, when used."""

    def check_literal(self, url: str) -> object:
        """Raises an AppError when the URL itself shows that it must not be called."""
        ...


class CredentialNameTaken(Conflict):
    """The tenant has a credential of this name."""

    code = "name_taken"
    title = "This name is already in use"


@dataclass(frozen=True, slots=True)
class CredentialDraft:
    """A provider's secret as it was sent; ``extra`` holds further parameters and is sealed like the key."""

    name: str
    provider: str
    api_key: str = field(repr=False)
    api_base: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class CredentialChange:
    """What is to change; None leaves a field as it is. ``clear_api_base`` goes back to the provider's own address."""

    name: str | None = None
    provider: str | None = None
    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    clear_api_base: bool = False
    extra: Mapping[str, str] | None = field(default=None, repr=False)


def check_api_base(guard: AddressGuard, url: str | None) -> None:
    """Raises Invalid on ``api_base`` unless it is an http(s) URL that the guard does not refuse at sight."""
    if url is None:
        return
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise Invalid.field("api_base", "is not a URL") from None
    if not usable or "@" in parts.netloc or parts.query or parts.fragment or any(letter <= " " for letter in url):
        raise Invalid.field("api_base", "must be an http or https URL without user name, query or fragment")
    try:
        guard.check_literal(url)
    except AppError as refused:
        raise Invalid.field("api_base", refused.detail) from refused


async def add_credential(session: Session, tenant_id: UUID, draft: CredentialDraft, sealer: Sealer) -> Credential:
    """Seal and store a provider's secret. Raises CredentialNameTaken."""
    credential_id = new_id()
    sealed = _seal(sealer, tenant_id, credential_id, draft.api_key, draft.extra)
    credential = Credential(
        id=credential_id,
        tenant_id=tenant_id,
        name=draft.name,
        provider=draft.provider,
        api_base=draft.api_base,
        sealed=sealed.token,
        key_fingerprint=sealed.fingerprint,
        last4=_last4(draft.api_key),
    )
    async with taken_is(session, _name_taken()):
        session.add(credential)
    return credential


async def list_credentials(session: Session, tenant_id: UUID, page: PageRequest) -> Page[Credential]:
    """The tenant's credentials, newest first."""
    return await paginate(session, owned_by(tenant_id, Credential), col(Credential.id), page)


async def get_credential(session: Session, tenant_id: UUID, credential_id: UUID) -> Credential:
    """The tenant's credential. Raises NotFound."""
    return await get_owned(session, tenant_id, Credential, credential_id)


async def change_credential(
    session: Session, tenant_id: UUID, credential_id: UUID, change: CredentialChange, sealer: Sealer
) -> Credential:
    """Change a credential; its secret is sealed anew when part of it changes.

    Raises NotFound, CredentialNameTaken, and SealBroken when only one half of a secret that no longer opens is sent.
    """
    credential = await get_owned(session, tenant_id, Credential, credential_id)
    _change_secret(credential, change, sealer)
    async with taken_is(session, _name_taken()):
        credential.name = change.name or credential.name
        credential.provider = change.provider or credential.provider
        if change.clear_api_base or change.api_base is not None:
            credential.api_base = change.api_base
        credential.updated_at = now()
    return credential


async def remove_credential(session: Session, tenant_id: UUID, credential_id: UUID) -> None:
    """Forget a credential. Raises NotFound. Bots and models that used it go on without one."""
    await session.delete(await get_owned(session, tenant_id, Credential, credential_id))


async def endpoint_for(
    session: Session, tenant_id: UUID, sealer: Sealer, model: str, credential_id: UUID | None, api_base: str | None
) -> ModelEndpoint:
    """How to reach ``model``: with the tenant's own credential, and at ``api_base`` rather than the credential's.

    Raises NotFound for another tenant's credential and SealBroken for one that no longer opens.
    """
    if credential_id is None:
        return ModelEndpoint(model, api_base=api_base)
    credential = await get_owned(session, tenant_id, Credential, credential_id)
    secret = sealer.open(credential.sealed, context_of(tenant_id, credential_id), credential.key_fingerprint)
    key = secret.pop("api_key", None)
    return ModelEndpoint(model, api_key=key, api_base=api_base or credential.api_base, extra=_without_mark(secret))


def context_of(tenant_id: UUID, credential_id: UUID) -> dict[str, str]:
    """The place a credential's secret is sealed for."""
    return {"tenant": str(tenant_id), "credential": str(credential_id)}


def _change_secret(credential: Credential, change: CredentialChange, sealer: Sealer) -> None:
    if change.api_key is None and change.extra is None:
        return
    key, extra = change.api_key, change.extra
    if key is None or extra is None:
        context = context_of(credential.tenant_id, credential.id)
        present = sealer.open(credential.sealed, context, credential.key_fingerprint)
        present_key = present.pop("api_key", "")
        key = present_key if key is None else key
        extra = _without_mark(present) if extra is None else extra
    sealed = _seal(sealer, credential.tenant_id, credential.id, key, extra)
    credential.sealed, credential.key_fingerprint, credential.last4 = sealed.token, sealed.fingerprint, _last4(key)


def _seal(sealer: Sealer, tenant_id: UUID, credential_id: UUID, api_key: str, extra: Mapping[str, str]) -> Sealed:
    secret = {"api_key": api_key} | {f"extra.{name}": value for name, value in extra.items()}
    return sealer.seal(context_of(tenant_id, credential_id), secret)


def _without_mark(secret: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("extra."): value for name, value in secret.items()}


def _last4(api_key: str) -> str:
    return api_key[-4:] if len(api_key) >= _SHORTEST_SHOWN else ""


def _name_taken() -> CredentialNameTaken:
    return CredentialNameTaken("There is already a credential of this name. Choose another one, or change that one.")
