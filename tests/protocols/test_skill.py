"""Every command the agents' skill document shows is one that exists, with the options it shows."""

import re
import shlex
from pathlib import Path

import click
import pytest

from app.cli.main import cli

SKILL = Path(__file__).resolve().parents[2] / "docs" / "agents" / "SKILL.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", SKILL.read_text(), re.DOTALL)
SHOWN = [line for block in BLOCKS for line in block.splitlines() if line.startswith("minirag ")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that are named."""
    (tmp_path / "notes.md").write_text("Notes")
    (tmp_path / "handbook").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_document_shows_commands() -> None:
    assert len(SHOWN) >= 8


@pytest.mark.parametrize("line", SHOWN)
def test_a_shown_command_is_understood(line: str, folder: Path) -> None:
    command: click.Command | None = cli
    _, *words = shlex.split(line)
    context = click.Context(cli)
    while isinstance(command, click.Group):
        command = command.get_command(context, words.pop(0))
    assert command is not None, line
    command.make_context(command.name, words)
