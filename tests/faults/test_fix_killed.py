"""`sophia fix` and `sophia undo` as processes killed anywhere: all of a run or none of it, undone to the byte."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faulty_project import KILLED, LIMIT_S, Tree, picture
from sophia_processes import BROKEN, FIX, STUBS, Sophia, end_of, make_broken_project, start_sophia, wait_until_stopped

from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.project.failpoints import failpoint_names

# A long test is run in parts, so that no process of a run has it for itself in the end.
PARTS = 4
BUSY = 75
INTERRUPTED = 130
CHECK = f"{FIX} --verify ./check"
CTRL_C = "before-commit:1:SIGINT"
# A fix that is taken back in `sophia fix` is a file written once more.
NOT_OURS = {"taken-back"}

Make = Callable[[Path], Tree]
Mended = Callable[[str], Tree]


@pytest.fixture(scope="module")
def sophia(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sophia]:
    processes = Sophia(tmp_path_factory.mktemp("sophia") / "stderr")
    yield processes
    processes.close()


@pytest.fixture(scope="module")
def make(sophia: Sophia, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Creates the broken project, with a user's check that fails as soon as `colon.py` is mended.

    A scan has filled its cache: what is killed here are writes, not searches.
    """
    template = tmp_path_factory.mktemp("template") / "project"
    make_broken_project(template)
    (template / "check").write_text("#!/bin/sh\n! grep -q ') *:' colon.py\n")
    (template / "check").chmod(0o755)
    assert sophia(template, "scan --quiet").code == 1

    def copied(root: Path) -> Tree:
        shutil.copytree(template, root, symlinks=True)
        return picture(root)

    return copied


@pytest.fixture(scope="module")
def mended(sophia: Sophia, make: Make, tmp_path_factory: pytest.TempPathFactory) -> Mended:
    """Gives the tree that a fix leads to."""

    def after(words: str) -> Tree:
        root = tmp_path_factory.mktemp("mended") / "project"
        make(root)
        sophia(root, words)
        return picture(root)

    return after


def _first_hits(names: list[str]) -> list[str]:
    return [f"{name}:1" for name in dict.fromkeys(names)]


def _every_hit(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    points: list[str] = []
    for name in names:
        seen[name] += 1
        points.append(f"{name}:{seen[name]}")
    return points


def _check_settled(sophia: Sophia, root: Path, before: Tree, after: Tree, point: str) -> None:
    """All or none once the next command ran, the list tells which, and undo is exact."""
    standing = sophia.standing(root)
    assert picture(root) == (after if standing else before), f"a mix after a kill at {point}"
    for run in standing:
        undone = sophia(root, f"undo {run}")
        assert undone.code == 0, f"{point}: {undone}"
    assert picture(root) == before, f"undo is not exact after a kill at {point}"
    shutil.rmtree(root)


def test_the_broken_project_is_mended_and_undone(sophia: Sophia, scratch: Path) -> None:
    root = scratch / "project"
    before = make_broken_project(root)
    assert sophia(root, FIX).code == 0
    after = picture(root)
    assert {path for path in before if before[path] != after[path]} == set(BROKEN)
    assert set(after) - set(before) == STUBS
    assert all(compile_fault(after[path][2].decode("utf-8-sig")) is None for path in BROKEN)
    assert all(after[path][1] == mode for path, (_, mode) in BROKEN.items())
    assert sophia(root, "undo").code == 0
    assert picture(root) == before


@pytest.mark.parametrize("part", range(PARTS))
def test_a_fix_killed_anywhere_leaves_all_or_none(
    sophia: Sophia, make: Make, mended: Mended, scratch: Path, part: int
) -> None:
    after = mended(FIX)
    make(scratch / "traced")
    for index, point in enumerate(_every_hit(sophia.places(scratch / "traced", FIX))[part::PARTS]):
        root = scratch / str(index)
        before = make(root)
        assert sophia(root, FIX, point).code == KILLED, point
        _check_settled(sophia, root, before, after, point)


def test_a_fix_after_a_killed_fix_completes_the_work(sophia: Sophia, make: Make, mended: Mended, scratch: Path) -> None:
    after = mended(FIX)
    make(scratch / "traced")
    for index, point in enumerate(_first_hits(sophia.places(scratch / "traced", FIX))[::3]):
        root = scratch / str(index)
        before = make(root)
        assert sophia(root, FIX, point).code == KILLED, point
        assert sophia(root, FIX).code == 0, point
        assert picture(root) == after, point
        assert sophia(root, "undo").code == 0, point
        assert picture(root) == before, point


def test_an_undo_killed_anywhere_leaves_all_or_none(sophia: Sophia, make: Make, mended: Mended, scratch: Path) -> None:
    after = mended(FIX)
    fixed = scratch / "fixed"
    before = make(fixed)
    assert sophia(fixed, FIX).code == 0
    shutil.copytree(fixed, scratch / "traced")
    for index, point in enumerate(_every_hit(sophia.places(scratch / "traced", "undo --quiet"))):
        root = scratch / str(index)
        shutil.copytree(fixed, root)
        assert sophia(root, "undo --quiet", point).code == KILLED, point
        _check_settled(sophia, root, before, after, point)


def test_a_kill_while_the_check_is_bisected_leaves_all_or_none(
    sophia: Sophia, make: Make, mended: Mended, scratch: Path
) -> None:
    after = mended(CHECK)
    make(scratch / "traced")
    points = _every_hit(sophia.places(scratch / "traced", CHECK))
    bisecting = points[points.index("apply-done:1") + 1 :]
    assert "apply-done:2" in bisecting
    for index, point in enumerate([*bisecting[::25], *bisecting[-4:]]):
        root = scratch / str(index)
        before = make(root)
        assert sophia(root, CHECK, point).code == KILLED, point
        _check_settled(sophia, root, before, after, point)


def test_a_kill_while_ctrl_c_rolls_back_leaves_none(sophia: Sophia, make: Make, mended: Mended, scratch: Path) -> None:
    after = mended(FIX)
    make(scratch / "traced")
    points = _first_hits(sophia.places(scratch / "traced", FIX, CTRL_C))
    rolling_back = points[points.index("before-commit:1") + 1 :]
    assert "roll-back-begun:1" in rolling_back
    for index, point in enumerate(rolling_back):
        root = scratch / str(index)
        before = make(root)
        assert sophia(root, FIX, f"{CTRL_C},{point}").code == KILLED, point
        assert sophia.standing(root) == [], point
        _check_settled(sophia, root, before, after, point)


def test_a_kill_while_a_killed_fix_is_recovered_leaves_none(
    sophia: Sophia, make: Make, mended: Mended, scratch: Path
) -> None:
    after = mended(FIX)
    killed = scratch / "killed"
    before = make(killed)
    assert sophia(killed, FIX, "before-commit").code == KILLED
    shutil.copytree(killed, scratch / "traced")
    points = _first_hits(sophia.places(scratch / "traced", "undo --list"))
    assert "before-abort-record:1" in points
    for index, point in enumerate(points):
        root = scratch / str(index)
        shutil.copytree(killed, root)
        assert sophia(root, "undo --list", point).code == KILLED, point
        assert sophia.standing(root) == [], point
        _check_settled(sophia, root, before, after, point)


def test_every_failpoint_is_reached_by_a_command(sophia: Sophia, make: Make, scratch: Path) -> None:
    reached: set[str] = set()
    for name, disturb in (("fix", ""), ("ctrl-c", CTRL_C)):
        make(scratch / name)
        reached.update(sophia.places(scratch / name, FIX, disturb))
    reached.update(sophia.places(scratch / "fix", "undo --quiet"))
    for words, killed_at in (("scan --quiet", "before-commit"), (FIX, "undo-begun")):
        root = scratch / killed_at
        make(root)
        sophia(root, words)
        assert sophia(root, FIX if words != FIX else "undo --quiet", killed_at).code == KILLED
        reached.update(sophia.places(root, "undo --list"))
    assert set(failpoint_names()) - reached == NOT_OURS


def test_ctrl_c_in_a_fix_leaves_all_or_none_at_once(sophia: Sophia, make: Make, mended: Mended, scratch: Path) -> None:
    after = mended(FIX)
    make(scratch / "traced")
    for index, point in enumerate(_first_hits(sophia.places(scratch / "traced", FIX))[::2]):
        root = scratch / str(index)
        before = make(root)
        ended = sophia(root, FIX, f"{point}:SIGINT")
        assert ended.code in (INTERRUPTED, 0), f"{point}: {ended}"
        assert picture(root) in (before, after), f"a mix after Ctrl-C at {point}"
        _check_settled(sophia, root, before, after, point)


@pytest.mark.parametrize("wait", ["0s", "200ms"])
def test_a_second_fix_gives_up_and_names_the_first(wait: str, make: Make, scratch: Path) -> None:
    before = make(scratch / "project")
    with start_sophia(scratch / "project", *FIX.split(), failpoint="lock-taken:1:SIGSTOP") as first:
        try:
            wait_until_stopped(first)
            with start_sophia(scratch / "project", *FIX.split(), "--wait", wait) as second:
                _, err = second.communicate(timeout=LIMIT_S)
            assert second.returncode == BUSY
            assert f"pid {first.pid} (`sophia fix`)" in err
            assert picture(scratch / "project") == before
        finally:
            assert end_of(first).code == 0
    assert picture(scratch / "project") != before


def test_a_second_fix_waits_for_the_first_and_finds_nothing_left(sophia: Sophia, make: Make, scratch: Path) -> None:
    root = scratch / "project"
    before = make(root)
    with start_sophia(root, *FIX.split(), failpoint="apply-done:1:SIGSTOP") as first:
        wait_until_stopped(first)
        # The second stops at its first place, which is before the lock, and goes on with the first.
        wait = f"{LIMIT_S:.0f}s"
        with start_sophia(root, *FIX.split(), "--wait", wait, failpoint="state-folder-made:1:SIGSTOP") as second:
            wait_until_stopped(second)
            second.send_signal(signal.SIGCONT)
            assert end_of(first).code == 0
            assert end_of(second).code == 0
    assert len(sophia.standing(root)) == 1
    assert sophia(root, "undo").code == 0
    assert picture(root) == before


def test_a_check_that_fails_takes_back_the_fix_that_broke_it(sophia: Sophia, make: Make, scratch: Path) -> None:
    root = scratch / "project"
    before = make(root)
    ended = sophia(root, "fix --unsafe --json --verify ./check")
    assert ended.code == 1
    changed = {path for path, facts in picture(root).items() if facts != before[path]}
    assert changed == set(BROKEN) - {"colon.py"}
    applied = {finding["path"] for finding in ended.document["findings"] if finding["applied"]}
    assert applied == changed
    assert sophia(root, "undo").code == 0
    assert picture(root) == before


def test_a_check_that_passes_keeps_every_fix(sophia: Sophia, make: Make, scratch: Path) -> None:
    root = scratch / "project"
    make(root)
    (root / "check").write_text(f"#!{sys.executable}\nimport os\nassert os.path.isfile('colon.py')\n")
    ended = sophia(root, CHECK)
    assert ended.code == 0, ended
    assert os.listdir(root / ".sophia")
    assert all(compile_fault((root / path).read_text("utf-8-sig")) is None for path in BROKEN)
