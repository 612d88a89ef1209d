"""Console sessions: a signed JWT (HS256) that says who, until when, and in which epoch of that person's sessions."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt

from app.kit.clock import now
from app.kit.errors import Unauthenticated

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "minirag"
_REQUIRED: Final = ["exp", "iat", "iss", "sub", "tid", "epoch"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a session says. It holds only while the person's ``session_epoch`` is still ``epoch``."""

    user_id: UUID
    tenant_id: UUID
    epoch: int


def issue(jwt_key: str, claims: Claims, ttl_s: int, issued_at: datetime | None = None) -> str:
    """A signed session of ``ttl_s`` seconds from ``issued_at`` (default: now)."""
    began = issued_at or now()
    payload: dict[str, Any] = {
        "iss": _ISSUER,
        "sub": str(claims.user_id),
        "tid": str(claims.tenant_id),
        "epoch": claims.epoch,
        "iat": began,
        "exp": began + timedelta(seconds=ttl_s),
    }
    return jwt.encode(payload, _signing_key(jwt_key), algorithm=_ALGORITHM)


def read(jwt_key: str, bearer: str) -> Claims:
    """What a session says, once its signature and its time are found good. Raises Unauthenticated."""
    try:
        options: Any = {"require": _REQUIRED}  # PyJWT's type for it lists every option as required on some versions.
        payload = jwt.decode(bearer, _signing_key(jwt_key), algorithms=[_ALGORITHM], issuer=_ISSUER, options=options)
        return Claims(UUID(payload["sub"]), UUID(payload["tid"]), int(payload["epoch"]))
    except jwt.ExpiredSignatureError as fault:
        raise Unauthenticated("This session has ended. Sign in again.") from fault
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as fault:
        raise Unauthenticated("This token is not known here.") from fault


def _signing_key(jwt_key: str) -> bytes:
    """32 bytes whatever the configured text's length, and of no use where that text serves for something else."""
    return hashlib.sha256(b"minirag session key:" + jwt_key.encode()).digest()
