"""Where a command finds its server and its token, and where they are kept."""

import stat
from pathlib import Path

import pytest

from app.cli.complaints import Complaint
from app.cli.profiles import Profile, Profiles, load_profiles, profile_path, save_profiles
from app.cli.target import DEFAULT_URL, find_target
from tests.cli.conftest import Minirag

TRICKY = 'mr_"quoted"\\back\nline\u2028'


def keep(**entries: tuple[str, str]) -> None:
    save_profiles(Profiles({name: Profile(*entry) for name, entry in entries.items()}, next(iter(entries))))


def test_what_is_saved_is_read_again_whatever_it_holds() -> None:
    profiles = Profiles({"a": Profile("http://one", TRICKY), "b-2": Profile("https://two", "x")}, "b-2")
    save_profiles(profiles)
    assert load_profiles() == profiles


def test_the_file_is_for_its_owner_alone() -> None:
    keep(a=("http://one", "t"))
    assert stat.S_IMODE(profile_path().stat().st_mode) == 0o600
    assert stat.S_IMODE(profile_path().parent.stat().st_mode) == 0o700


def test_without_a_variable_the_file_is_in_the_configuration_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MINIRAG_PROFILE_FILE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert profile_path() == tmp_path / "minirag" / "profiles.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert profile_path() == tmp_path / ".config" / "minirag" / "profiles.toml"


@pytest.mark.parametrize("content", [b"[profiles", b"\xff", b"profiles = 3", b'[profiles.a]\nurl = "http://x"'])
def test_a_file_that_cannot_be_read_is_told_by_its_name(content: bytes) -> None:
    profile_path().parent.mkdir(parents=True)
    profile_path().write_bytes(content)
    with pytest.raises(Complaint, match=r"profiles\.toml"):
        load_profiles()


def test_a_failed_write_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(a=("http://one", "t"))
    monkeypatch.setenv("MINIRAG_PROFILE_FILE", str(profile_path() / "below-a-file"))
    with pytest.raises(Complaint, match="cannot be written"):
        keep(a=("http://two", "t"))
    monkeypatch.setenv("MINIRAG_PROFILE_FILE", str(profile_path().parent))
    assert load_profiles().entries["a"].url == "http://one"


def test_a_token_is_not_shown_by_accident() -> None:
    assert "secret" not in repr(Profile("http://one", "secret")) + repr(find_target(None, "http://one", "secret"))


def test_without_anything_it_is_this_machine() -> None:
    target = find_target(None, None, None)
    assert (target.url, target.token) == (DEFAULT_URL, None)


def test_options_win_over_the_environment_and_that_over_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(a=("http://one", "t1"), b=("http://two", "t2"))
    assert find_target(None, None, None).token == "t1"
    monkeypatch.setenv("MINIRAG_URL", "http://three")
    monkeypatch.setenv("MINIRAG_TOKEN", "t3")
    assert find_target(None, None, None).url == "http://three"
    assert find_target(None, None, "t4").token == "t4"
    named = find_target("b", None, None)
    assert (named.url, named.token) == ("http://two", "t2")


def test_a_profiles_token_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(a=("http://one", "t1"))
    assert find_target(None, "http://elsewhere", None).token is None
    assert find_target("a", "http://elsewhere", None).token is None
    assert find_target(None, "http://one/", None).token == "t1"
    monkeypatch.setenv("MINIRAG_URL", "http://elsewhere")
    assert find_target(None, None, None).token is None


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://", "http://[::1", "http://x:99999"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Complaint, match="not an address"):
        find_target(None, url or " ", None)


def test_profiles_are_added_listed_used_and_forgotten(minirag: Minirag) -> None:
    assert "No profile yet" in minirag("profile", "list").output
    minirag("profile", "add", "one", "--url", "http://one", "--token", "mr_abcdefghijkl")
    assert "Saved profile two" in minirag("profile", "add", "two", "--url", "http://two", say="mr_zzz\n").output
    listed = minirag("profile", "list").output
    assert "→" in next(line for line in listed.splitlines() if "two" in line)
    assert "mr_abcdefghijkl" not in listed
    minirag("profile", "use", "one")
    assert find_target(None, None, None).url == "http://one"
    minirag("profile", "remove", "one")
    assert load_profiles().current == "two"


@pytest.mark.parametrize("arguments", [("use", "nobody"), ("remove", "nobody"), ("add", "a b", "--url", "http://x")])
def test_a_profile_that_cannot_be_is_refused_with_a_sentence(minirag: Minirag, arguments: tuple[str, ...]) -> None:
    result = minirag("profile", *arguments, say="t\n")
    assert result.exit_code == 1
    assert "profile" in result.output
