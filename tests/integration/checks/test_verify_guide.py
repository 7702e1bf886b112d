"""What docs/verify.md shows is right: its commands run, its settings are valid."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from plain_shop import plain_shop

from sophia_cli.main import main
from sophia_cli.project.settings.parser import parse_settings

GUIDE = (Path(__file__).parents[3] / "docs" / "verify.md").read_text("utf-8")
COMMANDS = sorted(
    {*re.findall(r"^sophia verify.*$", GUIDE, re.MULTILINE), *re.findall(r"`(sophia verify[^`]*)`", GUIDE)}
)
SETTINGS = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)


def test_the_guide_shows_commands_and_settings() -> None:
    assert len(COMMANDS) >= 4
    assert len(SETTINGS) >= 3


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide_runs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with plain_shop() as url:
        port = url.rpartition(":")[2]
        Path("sophia.toml").write_text(f'[services.api]\ncommand = "x"\nport = {port}\n', "utf-8")
        code = main(shlex.split(command.replace("8000", port))[1:])
    assert (code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_of_the_guide_are_valid(settings: str) -> None:
    names = set(re.findall(r"\[\[services\.(\w+)\.", settings))
    services = "".join(f'[services.{name}]\ncommand = "x"\nport = 1\n' for name in names)
    parsed = parse_settings(services + settings, "sophia.toml")
    assert parsed.services
