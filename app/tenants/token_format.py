"""What an API token looks like: ``mr_`` or ``mrpk_``, 32 random base62 characters, 6 of checksum.

The prefix tells people (and secret scanners) what they have found; 32 characters carry 190 bits, so a plain keyed
hash is enough to store; the checksum (CRC-32) refuses a mistyped token without asking the database.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib

from app.tenants.models import TokenKind

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 32
_CHECKSUM_LENGTH = 6
_SHOWN_LENGTH = 6
_PREFIXES = {TokenKind.SECRET: "mr_", TokenKind.PUBLISHABLE: "mrpk_"}
_SHAPE = re.compile(rf"(mr_|mrpk_)[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}", re.ASCII)


def generate(kind: TokenKind) -> str:
    """A fresh token in the clear. It is shown once and never stored."""
    body = _PREFIXES[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + _checksum(body)


def looks_like_token(text: str) -> bool:
    """Whether ``text`` claims to be an API token, well formed or not."""
    return text.startswith(tuple(_PREFIXES.values()))


def is_well_formed(text: str) -> bool:
    """Whether ``text`` has a token's shape and its checksum is right."""
    return bool(_SHAPE.fullmatch(text)) and _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]


def digest(pepper: str, token: str) -> str:
    """What is stored of a token: HMAC-SHA256 under the installation's pepper, in hex (64 characters)."""
    return hmac.new(pepper.encode(), token.encode(), hashlib.sha256).hexdigest()


def shown_prefix(token: str) -> str:
    """The part of a token that lists may show, so that people recognise it; it gives away 36 of its 190 bits."""
    return token[: token.index("_") + 1 + _SHOWN_LENGTH]


def _checksum(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[index] + letters
    return letters
