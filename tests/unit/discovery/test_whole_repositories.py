"""What `sophia init` makes of whole repositories of many styles: one text each, `== path` before every file.

The last file is the settings that a careful engineer would write for it: without comments, those in doubt left out.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sophia_cli.project.discovery.find import find_entries
from sophia_cli.project.discovery.proposals import propose
from sophia_cli.project.settings.parser import parse_settings
from sophia_cli.render.init_toml import settings_text

REPOSITORIES = sorted((Path(__file__).parent / "repositories").glob("*.txt"))


def files_of(text: str) -> dict[str, str]:
    pieces = ("\n" + text).split("\n== ")[1:]
    return {name: body and body + "\n" for name, _, body in (piece.partition("\n") for piece in pieces)}


@pytest.mark.parametrize("repository", REPOSITORIES, ids=lambda path: path.stem)
def test_a_repository_gets_the_settings_that_an_engineer_would_write(repository: Path) -> None:
    files = files_of(repository.read_text("utf-8").rstrip("\n"))
    expected = files.pop("sophia.toml")
    text = settings_text("x", propose(find_entries(files, files.get), files.get))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ["[project]", 'name = "x"', *(line for line in expected.splitlines() if line)]
    parse_settings(text, "sophia.toml")
