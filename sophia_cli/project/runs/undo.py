"""Undo: a run's files get the bytes back that they had before it, where nobody changed them since."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sophia_cli.core.errors import ExitCode, UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.project.failpoints import Failpoint, failpoint
from sophia_cli.project.inside import FileRefused, check_recorded_path, open_folder, split_path
from sophia_cli.project.locks import HeldLock
from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.runs.backups import Backups, digest
from sophia_cli.project.runs.journal import JOURNAL_NAME, Journal
from sophia_cli.project.runs.pruned import PrunedRun, pruned_runs
from sophia_cli.project.runs.records import Kept, UndoBegin, Undone
from sophia_cli.project.runs.recovery import Recovered, recover
from sophia_cli.project.runs.reserve import hold, needed_to_restore, release
from sophia_cli.project.runs.restore import (
    Barred,
    Restorable,
    Restoration,
    Restored,
    damage,
    entry_to_restore,
    forget_packages,
    look,
    undo_entries,
)
from sophia_cli.project.runs.run_folders import find_run, list_runs, run_folder
from sophia_cli.project.runs.run_record import RunRecord, RunState

__all__ = ["Kept", "RunRecord", "RunState", "UndoResult", "list_runs", "undo_run"]


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What an undo did. `kept` are files that it left alone, each with the reason: exit 4 when there are any.

    `packages` are those of the environment that are as before; `recovered` are unfinished runs that were settled first.
    `removed` are those of the restored files that the run had created.
    """

    run_id: str
    command: str
    stamp: str
    restored: tuple[str, ...]
    kept: tuple[Kept, ...]
    recovered: tuple[Recovered, ...]
    packages: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def undo_run(lock: HeldLock, run_id: str | None, now: Callable[[], datetime]) -> UndoResult:
    """Take a run back: the one whose id begins with `run_id`, or the last one that still stands.

    UsageError when there is no such run (the hint lists the known ids) or it is undone already; WriteFailed, with
    nothing changed, when the disk has no room for it; RollbackIncomplete when an earlier run cannot be settled.
    KeyboardInterrupt comes out once the undo is complete, or before it began.
    """
    recovered = recover(lock, now)
    runs = list_runs(lock.root)
    run = choose_run(runs, run_id, pruned_runs(lock.state))
    pending = [entry for entry in run.entries if entry.final != entry.original and entry.path not in run.restored]
    backups = Backups(lock.state)
    seen = [look(lock.root, entry_to_restore(entry, frozenset({entry.final}), backups)) for entry in pending]
    failpoint(Failpoint.UNDO_CHECKED)
    if run.pending_packages or any(isinstance(one, Restorable | Restoration) for one in seen):
        sizes = [(one.original_size, one.present_size) for one in seen if isinstance(one, Restorable)]
        back = _execute(lock, run, tuple(entry.path for entry in pending), sizes, now)
    else:
        left = (Kept(one.path, one.reason) for one in seen if isinstance(one, Kept | Barred))
        back = Restored((), (), (*left, *damage(run)))
    explained = tuple(_explained(lock.root, one, run, runs) for one in back.kept)
    created = {entry.path for entry in run.entries if entry.is_created}
    removed = tuple(path for path in back.files if path in created)
    return UndoResult(run.id, run.command, run.stamp, back.files, explained, recovered, back.packages, removed)


def choose_run(runs: tuple[RunRecord, ...], run_id: str | None, pruned: tuple[PrunedRun, ...] = ()) -> RunRecord:
    """Return the run that `undo_run` would take back; raises the UsageErrors that it raises."""
    standing = [run for run in runs if run.state in (RunState.COMMITTED, RunState.PARTLY_UNDONE)]
    if run_id is None:
        if not standing:
            raise UsageError("nothing-to-undo", "there is no run to undo", hint="`sophia undo --list` shows past runs")
        return standing[-1]
    run = find_run(runs, run_id, pruned)
    if run.state is RunState.UNDONE:
        raise UsageError(
            "already-undone", f"run {run.id} is already undone", hint="`sophia undo --list` shows the rest"
        )
    if run.state is RunState.UNREADABLE:
        raise UsageError(
            "journal-unreadable",
            f"the journal of run {run.id} holds nothing that can be trusted, so what it changed is not known",
            hint="the old bytes of its files are in `.sophia/backups/`; compare them by hand, or ask git",
        )
    if run not in standing:
        raise UsageError("nothing-to-undo", f"run {run.id} is {run.state.value}: there is nothing to take back")
    return run


def _execute(
    lock: HeldLock,
    run: RunRecord,
    paths: tuple[str, ...],
    sizes: list[tuple[int, int]],
    now: Callable[[], datetime],
) -> Restored:
    folder = run_folder(lock.state, run.id)
    # Held and given back by `undo_entries`: proves that there is room before the first file changes.
    try:
        hold(folder, needed_to_restore(sizes))
        with contextlib.closing(Journal(folder / JOURNAL_NAME)) as journal:
            journal.write(UndoBegin(now().isoformat(), lock.pid, paths))
            try:
                return _restore(lock, run, paths, journal, now)
            except KeyboardInterrupt:
                # Half an undo is no state to leave: Ctrl-C once finishes it, twice leaves it to the next recovery.
                _restore(lock, run, paths, journal, now)
                raise
    except WriteFailed as failed:
        failed.exit_code = ExitCode.UNDO_INCOMPLETE
        raise
    finally:
        release(folder)


def _restore(
    lock: HeldLock, run: RunRecord, paths: tuple[str, ...], journal: Journal, now: Callable[[], datetime]
) -> Restored:
    failpoint(Failpoint.UNDO_BEGUN)
    back = undo_entries(lock, run, paths)
    failpoint(Failpoint.BEFORE_UNDONE_RECORD)
    journal.write(Undone(now().isoformat(), back.files, back.kept, back.packages))
    failpoint(Failpoint.UNDONE_ON_DISK)
    if not back.kept:
        forget_packages(lock.state, run)
    return back


def _explained(root: Path, kept: Kept, run: RunRecord, runs: tuple[RunRecord, ...]) -> Kept:
    """Name the later run that a kept file's bytes, or a kept package, come from, when it is one."""
    for other in reversed(runs):
        is_later = other.number > run.number and other.state in (RunState.COMMITTED, RunState.PARTLY_UNDONE)
        if is_later and any(kept.path == f"package {name}" for name in other.pending_packages):
            return Kept(kept.path, f"run {other.id} changed it since; undo that one first")
    present = _present_sha(root, kept.path)
    for other in reversed(runs):
        if other.id == run.id or other.state not in (RunState.COMMITTED, RunState.PARTLY_UNDONE):
            continue
        if any(e.path == kept.path and e.final == present and e.path not in other.restored for e in other.entries):
            return Kept(kept.path, f"run {other.id} changed it since; undo that one first")
    return kept


def _present_sha(root: Path, path: str) -> str | None:
    try:
        check_recorded_path(path)
        with open_folder(root, path) as folder:
            return digest(folder.read(split_path(path)[1]).data)
    except FileRefused:
        return None
