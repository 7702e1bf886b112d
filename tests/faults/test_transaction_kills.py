"""Killed at every failpoint, at every hit: all of a run or none of it, and no lost byte."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from faulty_project import KILLED, Children, Tree, committed_tree, make_project, picture, recover_now, undo_now

from sophia_cli.project.failpoints import failpoint_names
from sophia_cli.project.runs.run_record import RunState
from sophia_cli.project.runs.undo import list_runs

INTERRUPTED = 130


Prepare = Callable[[Path, Children], None]


@dataclass(frozen=True, slots=True)
class Story:
    """One thing to be killed in: what the child does, how the project comes to be, and what else disturbs the child."""

    action: str
    prepare: Prepare
    disturb: str = ""

    def build(self, root: Path, children: Children) -> Tree:
        """Make the project as it is just before the child starts; return the tree before any run."""
        root.mkdir()
        before = make_project(root)
        self.prepare(root, children)
        return before

    def failpoints(self, point: str) -> str:
        """Return what the child's environment holds so that it is killed at `point`."""
        return f"{self.disturb},{point}" if self.disturb else point


def _fresh(root: Path, children: Children) -> None:
    assert not (root / ".sophia").exists()


def _committed(root: Path, children: Children) -> None:
    assert children.run(root, "commit")[0] == 0


def _killed_in_run(root: Path, children: Children) -> None:
    assert children.run(root, "commit", "after-rename:3")[0] == KILLED


def _killed_late_in_run(root: Path, children: Children) -> None:
    assert children.run(root, "commit", "before-commit")[0] == KILLED


def _killed_in_undo(root: Path, children: Children) -> None:
    _committed(root, children)
    assert children.run(root, "undo", "file-restored")[0] == KILLED


def _killed_in_recovery(root: Path, children: Children) -> None:
    _killed_late_in_run(root, children)
    assert children.run(root, "recover", "copy-on-disk:2")[0] == KILLED


STORIES = {
    "run": Story("commit", _fresh),
    "abort": Story("abort", _fresh),
    "interrupted-run": Story("commit", _fresh, "before-rename:3:SIGINT"),
    "undo": Story("undo", _committed),
    "recovery-of-run": Story("recover", _killed_in_run),
    "recovery-of-late-run": Story("recover", _killed_late_in_run),
    "recovery-of-undo": Story("recover", _killed_in_undo),
    "recovery-of-recovery": Story("recover", _killed_in_recovery),
}


@pytest.fixture(params=STORIES)
def story(request: pytest.FixtureRequest) -> Story:
    return STORIES[request.param]


def _kill_points(names: list[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield f"{name}:{seen[name]}"


def test_every_kill_leaves_all_or_nothing(story: Story, children: Children, scratch: Path) -> None:
    story.build(scratch / "traced", children)
    names = children.trace(scratch / "traced", story.action, story.disturb)
    assert names
    for index, point in enumerate(_kill_points(names)):
        root = scratch / f"killed-{index}"
        before = story.build(root, children)
        code, error = children.run(root, story.action, story.failpoints(point))
        assert code == KILLED, f"{point}: {code} {error}"

        recover_now(root)
        assert picture(root) in (before, committed_tree(before)), f"a mix after a kill at {point}"
        assert recover_now(root) == (), f"not settled after a kill at {point}"
        standing = [run for run in list_runs(root) if run.state is RunState.COMMITTED]
        assert (picture(root) != before) == bool(standing), f"the list of runs is wrong after a kill at {point}"
        if standing:
            assert undo_now(root).kept == ()
        assert picture(root) == before, f"undo is not exact after a kill at {point}"
        leftovers = [path for path in root.rglob("*") if path.name.endswith(".tmp") or path.name == "reserve"]
        assert leftovers == [], f"left behind after a kill at {point}"
        shutil.rmtree(root)


def test_every_failpoint_is_reached_by_a_story(children: Children, scratch: Path) -> None:
    reached: set[str] = set()
    for name, story in STORIES.items():
        story.build(scratch / name, children)
        reached.update(children.trace(scratch / name, story.action, story.disturb))
    assert set(failpoint_names()) - reached == set()


@pytest.mark.parametrize("action", ["commit", "undo"])
def test_ctrl_c_anywhere_leaves_all_or_nothing_without_recovery(action: str, children: Children, scratch: Path) -> None:
    story = Story(action, _committed if action == "undo" else _fresh)
    story.build(scratch / "traced", children)
    for index, point in enumerate(_kill_points(children.trace(scratch / "traced", action))):
        root = scratch / str(index)
        before = story.build(root, children)
        code, error = children.run(root, action, f"{point}:SIGINT")
        assert code == INTERRUPTED, f"{point}: {code} {error}"
        assert picture(root) in (before, committed_tree(before)), f"a mix after Ctrl-C at {point}"
        assert all(one.restored == () for one in recover_now(root)), f"not restored at once after Ctrl-C at {point}"
        shutil.rmtree(root)


def _make_many(root: Path) -> Tree:
    for number in range(24):
        file = root / "many" / f"package_{number % 5}" / f"module_{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x = %d\n" % number)
    return picture(root)


def _kill_among_threads(children: Children, root: Path, point: str) -> None:
    before = _make_many(root)
    # Two threads may count the same hit of a failpoint as one, so the last of them may come too late to kill.
    assert children.run(root, "commit-many", point)[0] in (KILLED, 0), point
    killed = picture(root)
    recover_now(root)
    after = {
        path: (kind, mode, data + b"# more\n" if kind == "file" else data)
        for path, (kind, mode, data) in before.items()
    }
    committed = any(run.state is RunState.COMMITTED for run in list_runs(root))
    assert picture(root) == (after if committed else before), f"a mix after a kill at {point}"
    if committed:
        assert children.run(root, "undo", f"file-restored:{len(killed) // 2}")[0] in (KILLED, 0)
        recover_now(root)
        assert picture(root) == before, f"undo is not exact after a kill at {point}"


def test_kills_while_threads_write_leave_all_or_nothing(children: Children, scratch: Path) -> None:
    (scratch / "traced").mkdir()
    _make_many(scratch / "traced")
    points = list(_kill_points(children.trace(scratch / "traced", "commit-many")))
    for point in (*points[:: max(1, len(points) // 16)], *points[-3:]):
        root = scratch / point.replace(":", "-")
        root.mkdir(exist_ok=True)
        _kill_among_threads(children, root, point)
        shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.parametrize("repeat", range(3))
def test_every_kill_while_threads_write_leaves_all_or_nothing(repeat: int, children: Children, scratch: Path) -> None:
    (scratch / "traced").mkdir()
    _make_many(scratch / "traced")
    for point in _kill_points(children.trace(scratch / "traced", "commit-many")):
        root = scratch / point.replace(":", "-")
        root.mkdir()
        _kill_among_threads(children, root, point)
        shutil.rmtree(root)


@pytest.mark.slow
def test_kills_of_recovery_after_every_kill_of_a_run(children: Children, scratch: Path) -> None:
    (scratch / "traced").mkdir()
    make_project(scratch / "traced")
    for index, first in enumerate(_kill_points(children.trace(scratch / "traced", "commit"))):
        root = scratch / str(index)
        root.mkdir()
        before = make_project(root)
        assert children.run(root, "commit", first)[0] == KILLED
        for second in ("file-restored:1", "copy-on-disk:2", "after-rename:1", "before-abort-record"):
            children.run(root, "recover", second)
        recover_now(root)
        assert picture(root) in (before, committed_tree(before)), f"a mix after kills at {first} and in recovery"
        shutil.rmtree(root)


def test_ctrl_c_while_threads_write_leaves_all_or_nothing(children: Children, scratch: Path) -> None:
    (scratch / "traced").mkdir()
    _make_many(scratch / "traced")
    points = list(_kill_points(children.trace(scratch / "traced", "commit-many")))
    for point in points[:: max(1, len(points) // 12)]:
        root = scratch / point.replace(":", "-")
        root.mkdir()
        before = _make_many(root)
        code, error = children.run(root, "commit-many", f"{point}:SIGINT")
        committed = any(run.state is RunState.COMMITTED for run in list_runs(root))
        assert code in (INTERRUPTED, 0), f"{point}: {code} {error}"
        assert (picture(root) != before) == committed, f"not the tree that the journal tells after Ctrl-C at {point}"
        if committed:
            assert undo_now(root).kept == ()
        assert picture(root) == before, f"a mix after Ctrl-C at {point}"
        shutil.rmtree(root)
