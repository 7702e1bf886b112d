"""Recovery: what a killed process left half done is taken back (a run) or completed (an undo)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from pathlib import Path

from sophia_cli.core.errors import BusyError
from sophia_cli.core.values import dataclass
from sophia_cli.project.clock import Clock
from sophia_cli.project.failpoints import Failpoint, failpoint
from sophia_cli.project.locks import HeldLock, project_lock
from sophia_cli.project.runs.backups import Backups
from sophia_cli.project.runs.journal import JOURNAL_NAME, Journal, last_record
from sophia_cli.project.runs.records import Abort, Kept, Undone, ends_a_run
from sophia_cli.project.runs.reserve import release
from sophia_cli.project.runs.restore import forget_packages, roll_back, undo_entries
from sophia_cli.project.runs.run_folders import read_run, run_folder, run_ids
from sophia_cli.project.runs.run_record import RunRecord, RunState
from sophia_cli.project.state_folder import StateFolder


class RecoveryKind(Enum):
    """What recovery did with an unfinished run."""

    ROLLED_BACK = "rolled-back"
    UNDO_COMPLETED = "undo-completed"


@dataclass(frozen=True, slots=True)
class Recovered:
    """One unfinished run that is settled: what it was, which files and packages were restored, what was kept, why."""

    run_id: str
    command: str
    stamp: str
    kind: RecoveryKind
    restored: tuple[str, ...]
    kept: tuple[Kept, ...]
    packages: tuple[str, ...] = ()


def recover(lock: HeldLock, now: Callable[[], datetime]) -> tuple[Recovered, ...]:
    """Settle every unfinished run of the project; nothing when all are settled. May itself be killed at any point.

    Raises RollbackIncomplete (exit 4) when permissions or the disk stand in the way, and WriteFailed.
    """
    state = lock.state
    recovered: list[Recovered] = []
    for run_id in _unsettled(state):
        run = read_run(state, run_id)
        if run is None:
            _remove_unused(state, run_id)
        elif run.state is RunState.UNFINISHED:
            recovered.append(_roll_back(lock, run, now))
        elif run.state is RunState.UNDOING:
            recovered.append(_complete_undo(lock, run, now))
    if recovered:
        Backups(state).sweep()
    return tuple(recovered)


def recover_when_idle(root: Path, holder: str, clock: Clock) -> tuple[Recovered, ...]:
    """Do what `recover` does for commands that otherwise only read: nothing when another Sophia is at work.

    Takes the lock, and writes, only where an unfinished run is seen. Raises what `recover` raises, and
    UnavailableError when an unfinished run is there but nothing can be written.
    """
    if not _unsettled(StateFolder(root)):
        return ()
    try:
        with project_lock(root, holder, 0.0, clock) as lock:
            return recover(lock, clock.now)
    except BusyError:
        # Its holder is alive: the run is under way, not unfinished.
        return ()


def _unsettled(state: StateFolder) -> tuple[str, ...]:
    unsettled = []
    for run_id in run_ids(state):
        record = last_record(run_folder(state, run_id) / JOURNAL_NAME)
        if record is None or not ends_a_run(record):
            unsettled.append(run_id)
    return tuple(unsettled)


def _roll_back(lock: HeldLock, run: RunRecord, now: Callable[[], datetime]) -> Recovered:
    back = roll_back(lock, run)
    failpoint(Failpoint.BEFORE_ABORT_RECORD)
    with contextlib.closing(Journal(run_folder(lock.state, run.id) / JOURNAL_NAME)) as journal:
        journal.write(Abort(now().isoformat(), back.kept))
    failpoint(Failpoint.ABORT_ON_DISK)
    forget_packages(lock.state, run)
    return Recovered(run.id, run.command, run.stamp, RecoveryKind.ROLLED_BACK, back.files, back.kept, back.packages)


def _complete_undo(lock: HeldLock, run: RunRecord, now: Callable[[], datetime]) -> Recovered:
    back = undo_entries(lock, run, run.undoing)
    failpoint(Failpoint.BEFORE_UNDONE_RECORD)
    with contextlib.closing(Journal(run_folder(lock.state, run.id) / JOURNAL_NAME)) as journal:
        journal.write(Undone(now().isoformat(), back.files, back.kept, back.packages))
    failpoint(Failpoint.UNDONE_ON_DISK)
    if not back.kept:
        forget_packages(lock.state, run)
    return Recovered(run.id, run.command, run.stamp, RecoveryKind.UNDO_COMPLETED, back.files, back.kept, back.packages)


def _remove_unused(state: StateFolder, run_id: str) -> None:
    """Remove the folder of a run that was killed before its first record; files of others in it stay."""
    folder = run_folder(state, run_id)
    release(folder)
    if last_record(folder / JOURNAL_NAME) is None and _holds_no_line(folder / JOURNAL_NAME):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder / JOURNAL_NAME)
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _holds_no_line(journal: Path) -> bool:
    try:
        return b"\n" not in journal.read_bytes()
    except FileNotFoundError:
        return True
