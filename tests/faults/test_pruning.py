"""Pruning: old runs go with what only they need; what is young, recent, unfinished or not Sophia's stays."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from faulty_project import (
    KILLED,
    LIMIT_S,
    Children,
    change_while_stopped,
    held,
    picture,
    recover_now,
    start_child,
    undo_now,
)
from sophia_processes import start_sophia
from transaction_child import LAST_TWO

from sophia_cli.core.errors import SophiaError, UsageError
from sophia_cli.project.failpoints import PruneFailpoint
from sophia_cli.project.runs.backups import digest
from sophia_cli.project.runs.pruning import Pruned, Retention, prune, stored
from sophia_cli.project.runs.run_folders import list_runs
from sophia_cli.project.runs.run_record import RunState
from sophia_cli.project.runs.transactions import FileChange, begin_run
from sophia_cli.project.state_folder import StateFolder

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
LONG_AGO = 100


def _run(root: Path, name: str, data: bytes, days_ago: float = LONG_AGO, *, commit: bool = True) -> str:
    """Commit a run, begun so many days ago, that changes or creates one file; return its id."""
    file = root / name
    before = file.read_bytes() if file.exists() else None
    with held(root) as lock, begin_run(lock, "fix", lambda: NOW - timedelta(days=days_ago)) as run:
        run.apply([FileChange(name, before, data)])
        if commit:
            run.commit()
    return run.id


def _runs(root: Path, count: int, days_ago: float = LONG_AGO) -> list[str]:
    """Commit so many runs that each change the same file, over different bytes; return their ids."""
    first = len(list_runs(root))
    (root / "file.py").touch()
    return [_run(root, "file.py", b"%d\n" % number * 100, days_ago) for number in range(first, first + count)]


def _prune(root: Path, retention: Retention = LAST_TWO) -> Pruned:
    with held(root) as lock:
        return prune(lock, lambda: NOW, retention)


def _left(root: Path) -> list[str]:
    return [run.id for run in list_runs(root)]


def _backups(root: Path) -> set[str]:
    return set(os.listdir(root / ".sophia" / "backups"))


def test_the_last_runs_stay_and_can_all_be_undone(scratch: Path) -> None:
    ids = _runs(scratch, 6)
    pruned = _prune(scratch)
    assert pruned == Pruned(tuple(ids[:4]), 4)
    assert _left(scratch) == ids[4:]
    assert _backups(scratch) == {digest(b"3\n" * 100), digest(b"4\n" * 100)}
    for _ in ids[4:]:
        assert undo_now(scratch).kept == ()
    assert (scratch / "file.py").read_bytes() == b"3\n" * 100


def test_what_is_young_stays_however_many_there_are(scratch: Path) -> None:
    old, young = _runs(scratch, 4), _runs(scratch, 8, days_ago=29)
    assert _prune(scratch, Retention(runs=2, days=30, at_least=1)).runs == tuple(old)
    assert _left(scratch) == young


def test_few_old_runs_stay_for_ever(scratch: Path) -> None:
    ids = _runs(scratch, 5)
    assert _prune(scratch, Retention()) == Pruned()
    assert _left(scratch) == ids


def test_a_size_that_is_exceeded_takes_the_oldest_but_never_the_last(scratch: Path) -> None:
    ids = _runs(scratch, 6, days_ago=0)
    everything = stored(StateFolder(scratch), NOW, Retention()).bytes
    one = everything // 6
    assert _prune(scratch, Retention(bytes=everything - one, at_least=1)).runs == tuple(ids[:2])
    assert _prune(scratch, Retention(bytes=1, at_least=3)).runs == (ids[2],)
    assert _left(scratch) == ids[3:]


def test_a_backup_that_another_run_names_stays(scratch: Path) -> None:
    (scratch / "file.py").write_bytes(b"old\n")
    first = _run(scratch, "file.py", b"new\n")
    (scratch / "other.py").write_bytes(b"old\n")
    _run(scratch, "other.py", b"new\n")
    assert _prune(scratch, Retention(runs=1, days=-1, at_least=1)) == Pruned((first,), 0)
    assert undo_now(scratch).kept == ()
    assert (scratch / "other.py").read_bytes() == b"old\n"


def test_unfinished_and_half_undone_runs_stay(children: Children, scratch: Path) -> None:
    half = _run(scratch, "half.py", b"mine\n")
    with held(scratch) as lock, begin_run(lock, "fix", lambda: NOW - timedelta(days=LONG_AGO)) as run:
        run.apply([FileChange(name, None, b"new\n") for name in ("one.py", "two.py")])
        run.commit()
    (scratch / "one.py").write_bytes(b"mine\n")
    assert [kept.path for kept in undo_now(scratch).kept] == ["one.py"]
    ids = _runs(scratch, 4)
    assert _prune(scratch).runs == (half, *ids[:2])
    states = {one.id: one.state for one in list_runs(scratch)}
    assert states[run.id] is RunState.PARTLY_UNDONE
    _add_unfinished(scratch, ids[3])
    assert _prune(scratch, Retention(runs=0, days=-1, at_least=0)).runs == (ids[2],)
    assert _left(scratch) == [run.id, ids[3]]


def _add_unfinished(root: Path, run_id: str) -> None:
    """Take the commit from a run's journal: it was killed just before."""
    journal = root / ".sophia" / "runs" / run_id / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))


def test_a_damaged_journal_keeps_every_backup(scratch: Path) -> None:
    ids = _runs(scratch, 5)
    backups = _backups(scratch)
    journal = scratch / ".sophia" / "runs" / ids[4] / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"kind":"intend"', b'"kind":"indent"'))
    assert _prune(scratch) == Pruned(tuple(ids[:3]), 0)
    assert _backups(scratch) == backups


def test_files_of_others_stay(scratch: Path) -> None:
    ids = _runs(scratch, 4)
    state = scratch / ".sophia"
    packages = state / "runs" / ids[0] / "packages"
    packages.mkdir()
    for name in ("tea-1.0-py3-none-any.whl", "manifest.json", "resolved.txt"):
        (packages / name).write_bytes(b"x")
    (packages / "wheels").mkdir()
    (packages / "wheels" / "tea.whl").write_bytes(b"x")
    mine = (
        state / "runs" / ids[0] / "notes.md",
        state / "runs" / ids[1] / "packages" / "thesis.tex",
        state / "runs" / "readme",
        state / "backups" / "mine",
        state / "mine",
    )
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine\n")
    assert _prune(scratch).runs == tuple(ids[:2])
    assert all(path.read_bytes() == b"mine\n" for path in mine)
    assert not packages.exists()


def test_a_run_folder_that_holds_a_link_is_not_followed(scratch: Path) -> None:
    ids = _runs(scratch, 4)
    outside = scratch / "outside"
    (outside / "wheels").mkdir(parents=True)
    (outside / "wheels" / "mine.whl").write_bytes(b"mine\n")
    (outside / "mine.json").write_bytes(b"mine\n")
    (scratch / ".sophia" / "runs" / ids[0] / "packages").symlink_to(outside)
    before = picture(outside)
    assert _prune(scratch).runs == tuple(ids[:2])
    assert picture(outside) == before


def test_undo_of_a_pruned_run_says_that_it_was_pruned(scratch: Path) -> None:
    ids = _runs(scratch, 4)
    _prune(scratch)
    with pytest.raises(UsageError) as gone:
        undo_now(scratch, ids[0])
    assert (gone.value.reference, "2026-05-20" in gone.value.message) == ("run-pruned", True)
    with pytest.raises(SophiaError) as unknown:
        undo_now(scratch, "0" * 16)
    assert unknown.value.reference == "unknown-run"


def test_the_next_run_has_a_higher_number_than_any_before(scratch: Path) -> None:
    _runs(scratch, 4)
    _prune(scratch, Retention(runs=0, days=-1, at_least=0))
    assert _left(scratch) == []
    (only,) = _runs(scratch, 1)
    assert _left(scratch) == [only]
    assert undo_now(scratch).run_id == only


def test_a_fix_prunes_when_it_is_done(scratch: Path) -> None:
    ids = _runs(scratch, 52)
    (scratch / "broken.py").write_bytes(b"def f()\n    return 1\n")
    with start_sophia(scratch, "fix", "--unsafe", "broken.py") as fix:
        _, err = fix.communicate(timeout=LIMIT_S)
    assert (fix.returncode, err) == (0, "")
    assert _left(scratch)[:-1] == ids[3:]
    with start_sophia(scratch, "undo", ids[0]) as undo:
        _, err = undo.communicate(timeout=LIMIT_S)
    assert (undo.returncode, "run-pruned" in err) == (2, True)


def _points(names: list[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield f"{name}:{seen[name]}"


def _with_packages(root: Path) -> list[str]:
    ids = _runs(root, 5)
    folder = root / ".sophia" / "runs" / ids[0] / "packages"
    folder.mkdir()
    (folder / "tea.whl").write_bytes(b"x")
    return ids


@pytest.mark.parametrize("end", ["", ":SIGINT"])
def test_pruning_that_is_killed_anywhere_is_gone_on_with(end: str, children: Children, scratch: Path) -> None:
    template = scratch / "template"
    template.mkdir()
    ids = _with_packages(template)
    shutil.copytree(template, scratch / "traced")
    known = {point.value for point in PruneFailpoint}
    names = [name for name in children.trace(scratch / "traced", "prune") if name in known]
    assert set(names) == known
    after = picture(scratch / "traced" / ".sophia")
    for index, point in enumerate(_points(names)):
        root = scratch / str(index)
        shutil.copytree(template, root)
        assert children.run(root, "prune", point + end)[0] == (130 if end else KILLED), point
        recover_now(root)
        left = _left(root)
        assert left == ids[len(ids) - len(left) :], f"not the youngest after a kill at {point}"
        assert children.run(root, "prune")[0] == 0
        assert set(picture(root / ".sophia")) == set(after), f"something is left after a kill at {point}"
        for _ in ids[3:]:
            assert undo_now(root).kept == (), point
        assert (root / "file.py").read_bytes() == b"2\n" * 100
        shutil.rmtree(root)


def test_nobody_else_gets_at_the_project_while_runs_are_pruned(scratch: Path) -> None:
    ids = _runs(scratch, 5)
    seen: list[int] = []

    def undo_meanwhile() -> None:
        with start_child(scratch, "undo") as second:
            second.communicate(timeout=LIMIT_S)
        seen.append(second.returncode)

    assert change_while_stopped(scratch, "prune", "journal-removed:1", undo_meanwhile)[0] == 0
    assert seen == [75]
    assert _left(scratch) == ids[3:]
