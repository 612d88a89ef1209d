"""Sealed secrets: bound to their place, opened by any configured key, sealed by the newest."""

import pytest
from cryptography.fernet import Fernet

from app.kit.sealing import SealBroken, Sealer, UnusableKey, fingerprint_of

PLACE = {"tenant": "t1", "credential": "c1"}
SECRET = {"api_key": "sk-ünïcode", "region": ""}


def a_key() -> str:
    return Fernet.generate_key().decode()


def test_a_secret_opens_where_it_was_sealed_and_nowhere_else() -> None:
    sealer = Sealer([a_key()])
    sealed = sealer.seal(PLACE, SECRET)
    assert sealer.open(sealed.token, PLACE, sealed.fingerprint) == SECRET
    for other in (PLACE | {"tenant": "t2"}, PLACE | {"credential": "c2"}, {}, PLACE | {"more": "x"}):
        with pytest.raises(SealBroken, match="sealed for another place"):
            sealer.open(sealed.token, other, sealed.fingerprint)


def test_an_altered_secret_does_not_open_and_the_error_names_row_and_key() -> None:
    sealer = Sealer([a_key()])
    sealed = sealer.seal(PLACE, SECRET)
    for token in (sealed.token[:-6] + "AAAAA=", sealed.token[:40], "", "ü"):
        with pytest.raises(SealBroken) as caught:
            sealer.open(token, PLACE, sealed.fingerprint)
        assert "credential c1" in caught.value.detail
        assert sealed.fingerprint in caught.value.detail
        assert "sk-" not in caught.value.detail


def test_the_newest_key_seals_and_the_older_ones_still_open() -> None:
    old, new = a_key(), a_key()
    before = Sealer([old]).seal(PLACE, SECRET)
    both = Sealer([f" {new} ", "", old])
    assert both.fingerprint == fingerprint_of(new)
    assert both.open(before.token, PLACE, before.fingerprint) == SECRET
    after = both.reseal(before.token, PLACE, before.fingerprint)
    assert after.fingerprint == fingerprint_of(new)
    assert Sealer([new]).open(after.token, PLACE, after.fingerprint) == SECRET
    with pytest.raises(SealBroken, match="not configured"):
        Sealer([new]).open(before.token, PLACE, before.fingerprint)


def test_a_key_that_is_none_is_refused_without_being_shown() -> None:
    for keys in ([], ["", "  "], [a_key(), "hunter2"], ["x" * 44]):
        with pytest.raises(UnusableKey) as caught:
            Sealer(keys)
        assert "hunter2" not in caught.value.detail


def test_nothing_of_a_secret_shows_in_a_repr() -> None:
    key = a_key()
    sealer = Sealer([key])
    sealed = sealer.seal(PLACE, SECRET)
    assert sealed.token not in repr(sealed)
    assert key not in repr(sealer)
    assert fingerprint_of(key) not in key
