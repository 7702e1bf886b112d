"""Fixtures of the tests of releases."""

from __future__ import annotations

from pathlib import Path

import pytest
from release_project import ReleasedProject


@pytest.fixture
def project(tmp_path: Path) -> ReleasedProject:
    """A project of a few files."""
    made = ReleasedProject(tmp_path / "shop")
    made.write({"app.py": "import core.db\n", "core/__init__.py": "", "core/db.py": "ROWS = 1\n", "page.html": "<p>"})
    return made
