"""`sophia fix --install` killed anywhere: the next `sophia` finds it and puts the environment back to the byte."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wheel_shop import LIMIT_S, Project, Shop, make_project

from sophia_cli.project.failpoints import VARIABLE, PackageFailpoint

KILLED = -9
INSTALLING = [
    PackageFailpoint.WHEELS_FETCHED,
    PackageFailpoint.PACKAGES_KEPT,
    PackageFailpoint.MARK_WRITTEN,
    PackageFailpoint.PACKAGES_ANNOUNCED,
    PackageFailpoint.PACKAGES_INSTALLED,
    PackageFailpoint.AFTERMATH_WRITTEN,
    PackageFailpoint.PACKAGES_DONE,
]
RETURNING = [PackageFailpoint.ADDED_FILE_REMOVED, PackageFailpoint.ADDED_REMOVED, PackageFailpoint.OLD_FILE_WRITTEN]
QUICK = {PackageFailpoint.PACKAGES_INSTALLED}


def _points(points: list[PackageFailpoint]) -> list[object]:
    marks = {point: () if point in QUICK else (pytest.mark.slow,) for point in points}
    return [pytest.param(point, marks=marks[point], id=point.value) for point in points]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "shop")
    shop.folder.mkdir()
    shop.wheel("alpha", "1.0", files={"alpha/old.py": "x = 1\n"}, scripts=["alpha"])
    shop.wheel("alpha", "2.0", ["shared"], files={"alpha/new.py": "x = 2\n"}, scripts=["alpha", "alpha-two"])
    shop.wheel("shared", "1.0")
    return shop


@pytest.fixture
def project(tmp_path: Path, shop: Shop) -> Project:
    """A project whose environment holds alpha 1 and that asks for alpha 2; a file of it is broken."""
    project = make_project(tmp_path, shop)
    project.install("alpha==1.0")
    project.write("requirements.txt", "alpha>=2\n")
    project.write("broken.py", "def f(a)\n    return a\n")
    return project


def _listed(project: Project) -> list[dict[str, object]]:
    listed = project.sophia("undo", "--list", "--json")
    assert listed.code == 0, listed.err
    runs: list[dict[str, object]] = listed.document["runs"]
    return [run for run in runs if run["state"] == "committed"]


@pytest.mark.parametrize("point", _points(INSTALLING))
def test_a_killed_installation_is_taken_back_by_the_next_command(project: Project, point: PackageFailpoint) -> None:
    before = project.picture()
    assert project.sophia("fix", "--install", **{VARIABLE: point.value}).code == KILLED
    assert _listed(project) == []
    after = project.picture()
    marks = [path for path in after if path.startswith(".sophia-run-")]
    # Killed between the mark and the journal, the mark is all that is there.
    assert marks == [] or point is PackageFailpoint.MARK_WRITTEN
    assert {path: data for path, data in after.items() if path not in marks} == before
    assert (project.root / "broken.py").read_text() == "def f(a)\n    return a\n"


@pytest.mark.parametrize("point", _points(RETURNING))
def test_a_killed_undo_is_completed_by_the_next_command(project: Project, point: PackageFailpoint) -> None:
    before = project.picture()
    assert project.sophia("fix", "--install").code == 0
    assert project.sophia("undo", **{VARIABLE: point.value}).code == KILLED
    assert _listed(project) == []
    assert project.picture() == before


@pytest.mark.slow
@pytest.mark.parametrize("point", [PackageFailpoint.ADDED_REMOVED, PackageFailpoint.OLD_FILE_WRITTEN])
def test_a_recovery_may_be_killed_as_well(project: Project, point: PackageFailpoint) -> None:
    before = project.picture()
    killed = {VARIABLE: PackageFailpoint.PACKAGES_INSTALLED.value}
    assert project.sophia("fix", "--install", **killed).code == KILLED
    assert project.sophia("doctor", **{VARIABLE: point.value}).code == KILLED
    assert _listed(project) == []
    assert project.picture() == before
    assert project.sophia("fix", "--install").code == 0
    assert project.versions() == {"alpha": "2.0", "shared": "1.0"}


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8, 0.95])
def test_an_installer_killed_halfway_leaves_nothing_behind(project: Project, share: float) -> None:
    """Sophia and pip are killed together once so many of the new files are there."""
    before = project.picture()
    many = {f"alpha/part_{number}.py": "" for number in range(300)}
    project.shop.wheel("alpha", "3.0", ["shared"], files=many)
    process = subprocess.Popen(
        [sys.executable, "-m", "sophia_cli", "fix", "--install"],
        cwd=project.root,
        env=project.shop.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + LIMIT_S
    wanted = int(300 * share)
    while len(list((project.site / "alpha").glob("part_*.py"))) < wanted and process.poll() is None:
        assert time.monotonic() < deadline
    for child in _children_of(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    process.kill()
    process.wait()
    assert _listed(project) == []
    assert project.picture() == before
    assert [path.name for path in project.site.glob("~*")] == []


def _children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def test_the_project_stays_held_while_the_installer_of_a_killed_sophia_is_at_work(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    code = f"""
import sys
from pathlib import Path
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.locks import project_lock
from sophia_cli.project.packages.children import run_tool
with project_lock(Path({str(tmp_path)!r}), "test", 0.0, SystemClock()) as lock:
    run_tool(["sh", "-c", "echo started > started; read line < gate"], folder=Path({str(tmp_path)!r}),
             environment={{"PATH": "/usr/bin:/bin"}}, limit_s=60.0, inherited=(lock.descriptor,))
"""
    sophia = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + LIMIT_S
    while not (tmp_path / "started").exists():
        assert sophia.poll() is None
        assert time.monotonic() < deadline
    sophia.kill()
    sophia.wait()
    assert not _is_free(tmp_path)
    gate.write_text("go on\n")
    while not _is_free(tmp_path):
        assert time.monotonic() < deadline


def _is_free(root: Path) -> bool:
    from sophia_cli.core.errors import BusyError
    from sophia_cli.project.clock import SystemClock
    from sophia_cli.project.locks import project_lock

    try:
        with project_lock(root, "test", 0.0, SystemClock()):
            return True
    except BusyError:
        return False


@pytest.mark.slow
def test_ctrl_c_during_an_installation_puts_everything_back(project: Project) -> None:
    before = project.picture()
    ended = project.sophia("fix", "--install", **{VARIABLE: "packages-installed:1:SIGINT"})
    assert ended.code == 130
    assert project.picture() == before
    assert (project.root / "broken.py").read_text() == "def f(a)\n    return a\n"


def test_an_installation_that_fails_in_the_middle_is_exit_3_and_taken_back(project: Project) -> None:
    before = project.picture()
    process = subprocess.Popen(
        [sys.executable, "-m", "sophia_cli", "fix", "--install"],
        cwd=project.root,
        env=project.shop.environment(**{VARIABLE: "packages-announced:1:SIGSTOP"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    fetched = project.root.glob(".sophia/runs/*/packages/wheels/shared-*.whl")
    for wheel in (*fetched, *project.shop.folder.glob("shared-*.whl")):
        wheel.unlink()
    process.send_signal(signal.SIGCONT)
    _, error = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, "install-failed" in error) == (3, True)
    assert project.picture() == before
    assert (project.root / "broken.py").read_text() == "def f(a)\n    return a\n"


@pytest.mark.slow
def test_runs_are_taken_back_in_their_order_or_the_later_one_is_named(project: Project) -> None:
    before = project.picture()
    first = project.sophia("fix", "--install", "--json", "--ignore", "SPH1")
    assert first.code == 0, first.err
    project.shop.wheel("alpha", "3.0")
    project.write("requirements.txt", "alpha>=3\n")
    second = project.sophia("fix", "--install", "--json", "--ignore", "SPH1")
    assert project.versions()["alpha"] == "3.0"
    early = project.sophia("undo", first.document["run_id"], "--json")
    assert early.code == 4
    assert second.document["run_id"] in early.document["kept"][0]["reason"]
    assert project.sophia("undo", second.document["run_id"]).code == 0
    assert project.sophia("undo", first.document["run_id"]).code == 0
    assert project.picture() == before
