"""Projects of every layout, damaged in every way: nothing crashes, nothing gets worse, everything can be taken back."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from damage import damage
from healthy_project import make_project
from project_laws import check_fixes, check_scans, sophia


@pytest.mark.parametrize("seed", [1])
def test_a_damaged_project_is_scanned_and_mended_by_the_laws(seed: int, tmp_path: Path) -> None:
    _check(seed, tmp_path / "project")


def test_a_healthy_project_has_no_finding(tmp_path: Path) -> None:
    make_project(tmp_path / "project", Random(3))
    ended = sophia(tmp_path / "project", "scan")
    assert (ended.code, ended.document["findings"]) == (0, [])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_damaged_projects_are_scanned_and_mended_by_the_laws(seed: int, tmp_path: Path) -> None:
    _check(seed, tmp_path / "project")


def _check(seed: int, root: Path) -> None:
    random = Random(seed)
    make_project(root, random)
    damage(root, random, random.randint(1, 8))
    check_scans(root)
    check_fixes(root)
