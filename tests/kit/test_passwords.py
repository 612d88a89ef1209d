"""Passwords: right, wrong, unknown and outdated."""

import re

from app.kit.passwords import Passwords


async def test_only_the_right_password_matches() -> None:
    passwords = Passwords(memory_kib=64, passes=1)
    stored = await passwords.hash("correct horse")
    assert await passwords.matches(stored, "correct horse")
    assert not await passwords.matches(stored, "correct horsf")
    assert not await passwords.matches("not a hash", "correct horse")


async def test_accents_match_however_the_keyboard_spells_them() -> None:
    passwords = Passwords(memory_kib=64, passes=1)
    assert await passwords.matches(await passwords.hash("cafe\u0301 noir"), "caf\u00e9 noir")


async def test_an_unknown_person_costs_a_whole_verification_and_never_matches() -> None:
    passwords = Passwords(memory_kib=64, passes=1)
    assert not await passwords.matches(None, "anything")
    decoy = passwords._decoy
    assert not passwords.is_outdated(decoy)
    lengths = [[len(part) for part in hashed.split("$")] for hashed in (decoy, await passwords.hash("x"))]
    assert lengths[0] == lengths[1]


async def test_a_hash_made_with_other_parameters_is_outdated() -> None:
    stored = await Passwords(memory_kib=64, passes=1).hash("x")
    assert Passwords(memory_kib=128, passes=1).is_outdated(stored)
    assert re.match(r"\$argon2id\$v=19\$m=64,t=1,p=1\$", stored)
