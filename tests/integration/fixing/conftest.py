"""A project on the disk, and the command line with rules about words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Cli, Result
from sophia_with_words import EXTRA_RULES

from sophia_cli.fixers import rules
from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.main import main


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Add the rules about words to this process."""
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, EXTRA_RULES])
    all_rules.cache_clear()
    yield
    all_rules.cache_clear()


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], words: None) -> Cli:
    """Run the command line in this process, in a project at `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sophia.toml").touch()

    def run(*arguments: str) -> Result:
        capfdbinary.readouterr()
        code = main(list(arguments))
        captured = capfdbinary.readouterr()
        return Result(code, captured.out.decode(), captured.err.decode())

    return run
