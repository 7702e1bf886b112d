"""A fresh git checkout for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_project import GitProject, make_project
from sophia_command import Sophia, make_sophia


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    """A checkout without commits."""
    return make_project(tmp_path / "project")


@pytest.fixture
def sophia(project: GitProject, tmp_path: Path) -> Sophia:
    """The command line, run in the checkout."""
    return make_sophia(project.root, tmp_path / "tools")
