"""The documentation agrees with the code: generated pages are current, settings examples valid, README commands run."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import SETTINGS_EXAMPLE, stale_pages
from sophia_cli.commands.demonstrating.story import unpack
from sophia_cli.main import COMMANDS
from sophia_cli.project.settings.keys import KEYS
from sophia_cli.project.settings.parser import parse_settings

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ON_SERVICES = {"init", "deploy", "status", "logs", "restart", "rollback", "stop", "agent"}
_BLOCK = re.compile(r"```(?:console|bash|sh)\n(.*?)```", re.DOTALL)
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def commands_of(page: Path) -> list[str]:
    """Return the `sophia` commands that a page shows in its console blocks."""
    lines = "\n".join(_BLOCK.findall(page.read_text("utf-8"))).splitlines()
    stripped = [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines]
    return [line for line in stripped if line.startswith("sophia ")]


def test_the_generated_pages_are_current() -> None:
    assert stale_pages() == [], "run `make docs`"


def test_the_settings_example_of_the_documentation_is_valid() -> None:
    settings = parse_settings(SETTINGS_EXAMPLE, "sophia.toml")
    assert [service.name for service in settings.services] == ["memory", "api"]
    assert settings.environments[0].services[1].replicas == 2


def test_every_key_is_on_the_settings_page() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert all(f"| `{key.name}` | {key.type} |" in page for key in KEYS)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    prose = _CODE.sub("", page.read_text("utf-8"))
    for target in _LINK.findall(prose):
        assert (page.parent / target).exists(), target


def shown_commands() -> list[str]:
    # Deployments are one story, told with services that run: tests/integration/deploy/test_guide.py.
    pages = [page for page in GUIDES if page.name != "deploy.md"]
    commands = {command for page in pages for command in commands_of(page)} - {"sophia demo"}
    return sorted(command for command in commands if command.split()[1] not in ON_SERVICES)


@pytest.mark.parametrize("command", shown_commands())
def test_a_command_that_a_page_shows_runs(command: str, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("the project of the demo has a history")
    unpack(tmp_path)
    words = shlex.split(command)[1:]
    assert words[0] in {known.name for known in COMMANDS}
    if words[0] == "undo":
        assert run(tmp_path, ["fix", "--unsafe"]).returncode in (0, 1)
    done = run(tmp_path, words)
    assert done.returncode in (0, 1), done.stderr
    assert "error:" not in done.stderr


def run(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "sophia_cli", *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL
    )


def test_the_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    blocks = "\n".join(block for page in GUIDES for block in _BLOCK.findall(page.read_text("utf-8")))
    named = set(re.findall(r"^(?:\$ )?make ([a-z]+)", blocks, re.MULTILINE))
    assert named
    assert named <= targets
