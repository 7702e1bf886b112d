"""Bytecode in releases: taken along where it fits, and never that of another text."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from release_project import ReleasedProject

from sophia_cli.deploy.releases.model import Release

OLD_NS = 1_700_000_000_000_000_000


def _run(folder: Path) -> str:
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": ""}
    words = [sys.executable, "-c", "import core.db; print(core.db.ROWS)"]
    return subprocess.run(words, cwd=folder, env=variables, check=True, capture_output=True, text=True).stdout.strip()


def _bytecode(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.pyc"))


def _settle(project: ReleasedProject) -> None:
    for path in project.root.rglob("*.py"):
        os.utime(path, ns=(OLD_NS, OLD_NS))


def _tree(project: ReleasedProject, release: Release) -> Path:
    return project.store.tree(release)


def test_the_first_release_starts_with_the_bytecode_of_the_project(project: ReleasedProject) -> None:
    _settle(project)
    assert _run(project.root) == "1"
    compiled = {path.name: path.stat().st_ino for path in _bytecode(project.root)}
    assert compiled
    tree = _tree(project, project.release())
    assert {path.name: path.stat().st_ino for path in _bytecode(tree)} == compiled
    assert _run(tree) == "1"
    assert {path.name: path.stat().st_ino for path in _bytecode(tree)} == compiled


def test_a_later_release_has_that_of_the_release_before_for_files_that_did_not_change(
    project: ReleasedProject,
) -> None:
    first = _tree(project, project.release())
    _run(first)
    project.write({"core/db.py": "ROWS = 22\n"})
    second = _tree(project, project.release())
    assert [path.name.partition(".")[0] for path in _bytecode(second)] == ["__init__"]
    assert _run(second) == "22"
    assert _run(first) == "1"


def test_a_text_of_the_same_size_and_second_never_runs_as_the_one_before(project: ReleasedProject) -> None:
    now = time.time_ns()
    for number, place in ((1, "1"), (2, "2")):
        project.write({"core/db.py": f"ROWS = {number}\n"})
        os.utime(project.root / "core/db.py", ns=(now, now))
        assert _run(_tree(project, project.release())) == place


def test_bytecode_of_the_project_from_the_second_of_its_source_is_not_believed(project: ReleasedProject) -> None:
    now = time.time_ns()
    os.utime(project.root / "core/db.py", ns=(now, now))
    _run(project.root)
    for path in _bytecode(project.root):
        os.utime(path, ns=(now, now))
    project.write({"core/db.py": "ROWS = 7\n"})
    os.utime(project.root / "core/db.py", ns=(now, now))
    assert _run(_tree(project, project.release())) == "7"


def test_a_restored_file_runs_as_it_was_created_although_the_edit_has_its_size_and_second(
    project: ReleasedProject,
) -> None:
    release = project.release()
    place = _tree(project, release) / "core/db.py"
    stamp = place.stat().st_mtime_ns
    place.write_text("ROWS = 9\n")
    os.utime(place, ns=(stamp, stamp))
    assert _run(_tree(project, release)) == "9"
    project.store.restore(release)
    assert _run(_tree(project, release)) == "1"
