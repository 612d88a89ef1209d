"""The installation's own secrets: made once, kept tightly, never written when they are given."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.kit.errors import AppError
from app.kit.sealing import UnusableKey
from app.secrets import SecretsBroken, load_secrets
from tests.support.house import settings_in

LONG = "x" * 40


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_kept_for_their_owner_alone(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    made = load_secrets(settings)
    assert load_secrets(settings) == made
    folder = settings.data_dir / "secrets"
    assert mode(folder) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["admin_key", "encryption_keys", "jwt_key", "token_pepper"]
    assert all(mode(path) == 0o600 for path in folder.iterdir())
    assert len({made.admin_key, made.jwt_key, made.token_pepper, *made.encryption_keys}) == 4
    assert made.admin_key not in repr(made)
    assert made.jwt_key not in repr(made)


def test_what_the_environment_gives_is_never_written(tmp_path: Path) -> None:
    keys = f"{Fernet.generate_key().decode()}, {Fernet.generate_key().decode()},"
    settings = settings_in(tmp_path, admin_key="given", encryption_keys=keys, token_pepper=LONG, jwt_key=LONG)
    found = load_secrets(settings)
    assert found.admin_key == "given"
    assert ",".join(found.encryption_keys) == keys.replace(" ", "").rstrip(",")
    assert not (settings.data_dir / "secrets").exists()


def test_a_blank_variable_means_not_given(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, admin_key=" ", jwt_key="")
    assert len(load_secrets(settings).admin_key) > 30
    assert (settings.data_dir / "secrets" / "jwt_key").exists()


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with ThreadPoolExecutor(16) as many:
        assert len({load.admin_key for load in many.map(lambda _: load_secrets(settings), range(16))}) == 1


def test_open_modes_are_tightened(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    load_secrets(settings)
    folder = settings.data_dir / "secrets"
    folder.chmod(0o755)
    (folder / "jwt_key").chmod(0o644)
    load_secrets(settings)
    assert mode(folder) == 0o700
    assert mode(folder / "jwt_key") == 0o600


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"encryption_keys": "nonsense"}, UnusableKey),
        ({"encryption_keys": " , "}, UnusableKey),
        ({"jwt_key": "short"}, SecretsBroken),
        ({"token_pepper": "short"}, SecretsBroken),
        ({"admin_key": "two words"}, SecretsBroken),
        ({"admin_key": "schlüssel"}, SecretsBroken),
    ],
)
def test_unusable_secrets_stop_the_start_with_a_sentence(
    tmp_path: Path, given: dict[str, str], fault: type[AppError]
) -> None:
    settings = settings_in(tmp_path, **given)
    with pytest.raises(fault) as caught:
        load_secrets(settings)
    assert not any(value in caught.value.detail for value in given.values() if value.strip(", "))


def test_an_empty_file_is_named_and_not_replaced(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    folder = settings.data_dir / "secrets"
    folder.mkdir(parents=True)
    (folder / "admin_key").touch(mode=0o600)
    with pytest.raises(SecretsBroken, match="admin_key is empty"):
        load_secrets(settings, settle_s=0.05)
    assert (folder / "admin_key").read_text() == ""
