"""Projects with an agent and its web API, ended whatever a test leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web_project import WebProject


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProject]:
    """A project whose web API serves, for tests that change nothing."""
    project = WebProject(tmp_path_factory.mktemp("web") / "shop")
    try:
        yield project.serve()
    finally:
        project.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[WebProject]:
    """A project whose agent does not run yet."""
    project = WebProject(tmp_path / "shop")
    try:
        yield project
    finally:
        project.close()
