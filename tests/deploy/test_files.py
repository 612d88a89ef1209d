"""The deployment files: nothing here runs containers, so everything that can be checked without is."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from app.cli.main import cli
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "PUBLISH"}
SETTINGS = {f"MINIRAG_{name.upper()}" for name in Settings.model_fields}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def names_in(name: str) -> set[str]:
    """The settings a file names; ``MINIRAG_*`` in prose is none."""
    return set(re.findall(r"\bMINIRAG_[A-Z0-9_]*[A-Z0-9]\b", text(name)))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(text("docker-compose.yml"))


@pytest.fixture
def generated(tmp_path: Path) -> dict[str, str]:
    """What ``minirag init`` writes."""
    result = CliRunner().invoke(cli, ["init", "--path", str(tmp_path / ".env")], catch_exceptions=False)
    assert result.exit_code == 0
    lines = (tmp_path / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml", ".env.example"])
def test_every_setting_a_file_names_exists(name: str) -> None:
    assert names_in(name) <= SETTINGS


def test_every_setting_is_explained_to_operators() -> None:
    assert names_in(".env.example") >= SETTINGS


def test_the_example_shows_the_real_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    shown = [line[1:] for line in text(".env.example").splitlines() if re.match(r"#MINIRAG_\w+=", line)]
    (tmp_path / "example.env").write_text("\n".join(shown))
    (tmp_path / "empty.env").write_text("")
    read, default = (Settings(_env_file=tmp_path / name) for name in ("example.env", "empty.env"))  # type: ignore[call-arg]  # The settings library adds it.
    assert read == default


def test_a_setting_is_shown_once_and_explained_above() -> None:
    lines = text(".env.example").splitlines()
    shown = [re.match(r"#(\w+)=", line) for line in lines]
    names = [match[1] for match in shown if match]
    assert len(names) == len(set(names))
    for place, match in enumerate(shown):
        if match:
            assert lines[place - 1].startswith("#")


def test_init_writes_what_compose_requires(generated: dict[str, str]) -> None:
    required = set(re.findall(r"\$\{(\w+):\?", text("docker-compose.yml")))
    assert required <= generated.keys()
    assert generated.keys() <= SETTINGS | COMPOSE_ONLY


def test_init_writes_secrets_the_service_accepts(generated: dict[str, str], tmp_path: Path) -> None:
    from app.secrets import load_secrets

    settings = Settings(_env_file=tmp_path / ".env", data_dir=tmp_path / "data")  # type: ignore[call-arg]  # The settings library adds it.
    found = load_secrets(settings)
    assert found.admin_key == generated["MINIRAG_ADMIN_KEY"]
    assert not (tmp_path / "data").exists()
    assert len(set(generated.values())) == len(generated)


def test_init_never_touches_a_file_that_exists(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MINE=1\n")
    result = CliRunner().invoke(cli, ["init", "--path", str(path)])
    assert result.exit_code == 1
    assert "not touched" in result.output
    assert path.read_text() == "MINE=1\n"


def test_what_init_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    CliRunner().invoke(cli, ["init", "--path", str(tmp_path / ".env")], catch_exceptions=False)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_every_service_says_when_it_is_well_or_waits_for_those_that_do(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        has_check = "test" in service.get("healthcheck", {})
        waits = all("condition" in need for need in service.get("depends_on", {}).values())
        assert has_check or (service.get("depends_on") and waits), name


def test_no_password_has_a_default(compose: dict[str, Any]) -> None:
    secret = re.compile(r"PASSWORD|KEY|PEPPER|SECRET|TOKEN")
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name):
                assert re.fullmatch(r"\$\{\w+:\?run minirag init\}", value), name
    assert not re.search(r"\$\{\w*(PASSWORD|KEY|PEPPER|TOKEN)\w*:?-", text("docker-compose.yml"))
    for line in text(".env.example").splitlines():
        name, _, value = line.lstrip("#").partition("=")
        if re.fullmatch(r"[A-Z_]+", name) and secret.search(name):
            assert value == "", name


def test_only_web_is_published(compose: dict[str, Any]) -> None:
    published = {name for name, service in compose["services"].items() if "ports" in service}
    assert published == {"web"}
    assert compose["services"]["web"]["ports"][0].startswith("${PUBLISH:-127.0.0.1:")


def test_stores_are_out_of_reach_of_the_outside(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis", "qdrant"):
        assert compose["services"][name]["networks"] == ["inside"]


def test_processes_start_after_the_schema_is_there(compose: dict[str, Any]) -> None:
    for name in ("web", "worker"):
        assert compose["services"][name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_everything_kept_is_on_a_volume(compose: dict[str, Any]) -> None:
    mounted = {volume.partition(":")[0] for service in compose["services"].values() for volume in service["volumes"]}
    assert mounted == set(compose["volumes"])


def test_stopping_leaves_time_for_what_is_in_flight(compose: dict[str, Any]) -> None:
    grace = Settings.model_fields["shutdown_grace_s"].default
    for name in ("web", "worker"):
        assert int(compose["services"][name]["stop_grace_period"].rstrip("s")) > grace


def test_commands_of_the_containers_exist(compose: dict[str, Any]) -> None:
    for name in ("web", "worker", "migrate"):
        assert compose["services"][name]["command"] == [name]
        assert name in cli.commands


def instructions(stage: int) -> list[str]:
    joined = text("Dockerfile").replace("\\\n", " ")
    stages = re.split(r"^(?=FROM )", joined, flags=re.MULTILINE)[1:]
    return [line for line in stages[stage].splitlines() if line and not line.startswith("#")]


def test_the_image_never_runs_as_root() -> None:
    final = instructions(-1)
    user = [line for line in final if line.startswith("USER ")]
    assert user == ["USER 10001:10001"]
    after = final[final.index(user[0]) :]
    assert not any(line.startswith(("RUN", "COPY", "ADD")) for line in after)


def test_the_final_image_has_no_build_tools() -> None:
    final = "\n".join(instructions(-1))
    assert "pip install" not in final
    assert "uv" not in re.findall(r"\b\w+\b", final)
    assert "apt-get" not in text("Dockerfile")


def test_the_image_installs_by_hash_alone() -> None:
    build = "\n".join(instructions(0))
    assert build.count("--require-hashes") == 2
    for line in re.findall(r"(?:pip|uv pip) (?:install|sync) [^&]*", build):
        assert "--require-hashes" in line or "--no-deps" in line


def test_processes_of_the_image_get_their_signals() -> None:
    for name in ("ENTRYPOINT", "CMD"):
        assert re.search(rf'^{name} \["', "\n".join(instructions(-1)), re.MULTILINE)


def test_the_health_check_is_sound_python() -> None:
    (check,) = [line for line in instructions(-1) if line.startswith("HEALTHCHECK")]
    import json

    command = json.loads(check[check.index("CMD ") + 4 :])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "healthcheck", "exec")
    assert "/health/live" in command[2]


def test_what_the_image_copies_is_let_through_and_secrets_are_not() -> None:
    allowed = {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}
    copied = [word for line in instructions(0) if line.startswith("COPY") for word in line.split()[1:-1]]
    for path in copied:
        assert (ROOT / path).exists(), path
        assert path.split("/")[0] in allowed, path
    assert text(".dockerignore").splitlines()[1] == "*"
    assert not allowed & {".env", "data", ".git", ".venv"}


def test_git_ignores_what_must_not_leave_the_machine(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)

    def ignored(path: str) -> bool:
        return subprocess.run(["git", "check-ignore", "-q", path], cwd=tmp_path, check=False).returncode == 0

    assert all(map(ignored, (".env", ".env.production", "data/secrets/admin_key", ".venv/x", ".tools/x")))
    assert not any(map(ignored, (".env.example", "app/data/x.py", "docker-compose.yml")))


def test_the_real_tools_find_nothing_wrong(tmp_path: Path) -> None:
    """``docker compose config`` and hadolint, where this machine has them."""
    tried: list[str] = []
    if (
        shutil.which("docker")
        and not subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode
    ):
        CliRunner().invoke(cli, ["init", "--path", str(tmp_path / ".env")], catch_exceptions=False)
        shutil.copy(ROOT / "docker-compose.yml", tmp_path)
        subprocess.run(["docker", "compose", "config", "--quiet"], cwd=tmp_path, check=True, timeout=60)
        tried.append("compose")
    if shutil.which("hadolint"):
        subprocess.run(["hadolint", str(ROOT / "Dockerfile")], check=True, timeout=60)
        tried.append("hadolint")
    if not tried:
        pytest.skip("Neither the docker compose plugin nor hadolint is on this machine.")
