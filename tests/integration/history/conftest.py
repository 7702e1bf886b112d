"""A fresh git checkout for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_project import GitProject, make_project


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    """A checkout without commits."""
    return make_project(tmp_path / "project")
