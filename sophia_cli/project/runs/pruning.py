"""Pruning: old runs make room, with the packages and the backups that only they need; what can be undone stays long."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.project.failpoints import PruneFailpoint, failpoint
from sophia_cli.project.locks import HeldLock
from sophia_cli.project.runs.backups import is_backup
from sophia_cli.project.runs.journal import JOURNAL_NAME
from sophia_cli.project.runs.pruned import note_pruned, pruned_runs
from sophia_cli.project.runs.records import ABSENT
from sophia_cli.project.runs.reserve import release
from sophia_cli.project.runs.restore import forget_packages
from sophia_cli.project.runs.run_folders import packages_folder, read_run, run_folder, run_ids
from sophia_cli.project.runs.run_record import RunRecord, RunState
from sophia_cli.project.state_folder import StateFolder, Subfolder, sync_folder

_PACKAGE_FILES = (".whl", ".zip", ".json", ".txt")
# There while pruning is under way: a killed one is gone on with.
_MARK = "pruning"
_PACKAGE_FOLDERS = ("wheels", "tmp")


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept: the last `runs` committed ones and all that are younger than `days`, within `bytes` on the disk.

    The last `at_least` are kept however large they are.
    """

    runs: int = 50
    days: int = 30
    bytes: int = 2_000_000_000
    at_least: int = 10


@dataclass(frozen=True, slots=True)
class Stored:
    """What the runs of a project take: how many there are, bytes with their backups, and the ids that may go."""

    runs: int
    bytes: int
    due: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning removed: ids of runs, oldest first, and the number of backups."""

    runs: tuple[str, ...] = ()
    backups: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    """A run on the disk; `record` is None when its journal cannot be read or holds nothing."""

    id: str
    record: RunRecord | None
    size: int

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it is left to do or to take back in part."""
        match self.record:
            case None:
                return False
            case record if record.state in (RunState.COMMITTED, RunState.UNDONE):
                return True
            case record:
                return record.state is RunState.ABORTED and not record.kept

    @property
    def backups(self) -> frozenset[str]:
        if self.record is None:
            return frozenset()
        found = {entry.original for entry in self.record.entries} | {one.sha for one in self.record.unannounced}
        return frozenset(found - {ABSENT})

    @property
    def is_whole(self) -> bool:
        """Whether its journal surely names all of its backups."""
        return self.record is not None and not self.record.damaged


def stored(state: StateFolder, now: datetime, retention: Retention) -> Stored:
    """Return what the runs take and which `prune` would remove. Reads only; SophiaError when `.sophia` is refused."""
    ids = run_ids(state)
    backups = _backup_sizes(state)
    total = sum(backups.values()) + sum(_size(run_folder(state, run_id)) for run_id in ids)
    if len(ids) <= retention.runs and total <= retention.bytes:
        # Most projects: no journal has to be read.
        return Stored(len(ids), total, ())
    return Stored(len(ids), total, tuple(run.id for run in _due(_read(state), backups, now, retention)))


def prune(lock: HeldLock, now: Callable[[], datetime], retention: Retention) -> Pruned:
    """Remove the runs that are due, then the backups that no other run names; `sophia undo` knows their ids still.

    Never an unfinished or half undone run, and nothing that is not Sophia's. May be killed at any point: the next one
    goes on. OSError when something cannot be removed; the rest stays for the next time.
    """
    state = lock.state
    moment = now()
    ids = stored(state, moment, retention).due
    mark = state.subfolder(Subfolder.RUNS) / _MARK
    is_resumed = os.path.lexists(mark)
    if not ids and not is_resumed:
        return Pruned()
    if not is_resumed:
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    note_pruned(state, ids, moment)
    failpoint(PruneFailpoint.PRUNING_NOTED)
    for run_id in ids:
        record = read_run(state, run_id)
        # Without its journal a run is none; so that is what goes first.
        os.unlink(_journal(state, run_id))
        sync_folder(run_folder(state, run_id))
        failpoint(PruneFailpoint.JOURNAL_REMOVED)
        if record is not None:
            forget_packages(state, record)
        _remove_rest(state, run_id)
        failpoint(PruneFailpoint.RUN_REMOVED)
    noted = {one.id for one in pruned_runs(state)}
    for run_id in noted.intersection(run_ids(state)):
        if not os.path.lexists(_journal(state, run_id)):
            _remove_rest(state, run_id)
    backups = _remove_backups(state)
    os.unlink(mark)
    failpoint(PruneFailpoint.PRUNING_DONE)
    return Pruned(ids, backups)


def _due(runs: Sequence[_Run], backups: dict[str, int], now: datetime, retention: Retention) -> list[_Run]:
    """Return the runs that may go, oldest first."""
    settled = sorted((run for run in runs if run.is_settled), key=_number, reverse=True)
    spare = settled[retention.at_least :]
    rank: Counter[bool] = Counter()
    due: list[_Run] = []
    for run in settled:
        kind = run.record is not None and run.record.state is RunState.COMMITTED
        rank[kind] += 1
        if rank[kind] > retention.runs and run in spare and _is_old(run, now, retention):
            due.append(run)
    due.reverse()
    uses = Counter(sha for run in runs for sha in run.backups)
    total = sum(backups.values()) + sum(run.size for run in runs)
    for run in due:
        total -= _freed(run, uses, backups)
    for run in reversed(spare):
        if total > retention.bytes and run not in due:
            due.append(run)
            total -= _freed(run, uses, backups)
    return sorted(due, key=_number)


def _freed(run: _Run, uses: Counter[str], backups: dict[str, int]) -> int:
    """Return the bytes that come free with a run, and count its backups as used by one run less."""
    uses.subtract(run.backups)
    return run.size + sum(backups.get(sha, 0) for sha in run.backups if not uses[sha])


def _number(run: _Run) -> tuple[int, str]:
    return (0 if run.record is None else run.record.number, run.id)


def _is_old(run: _Run, now: datetime, retention: Retention) -> bool:
    try:
        begun = datetime.fromisoformat("" if run.record is None else run.record.stamp)
        return now - begun > timedelta(days=retention.days)
    except (ValueError, TypeError):
        # A date that cannot be read is no reason to remove anything.
        return False


def _read(state: StateFolder) -> list[_Run]:
    return [_Run(run_id, _record(state, run_id), _size(run_folder(state, run_id))) for run_id in run_ids(state)]


def _record(state: StateFolder, run_id: str) -> RunRecord | None:
    try:
        return read_run(state, run_id)
    except SophiaError:
        return None


def _remove_rest(state: StateFolder, run_id: str) -> None:
    """Remove what a run without a journal has left in its folder, and the folder unless it holds anything else."""
    release(run_folder(state, run_id))
    packages = packages_folder(state, run_id)
    if packages.is_dir() and not packages.is_symlink():
        for entry in _entries(packages):
            if entry.is_dir(follow_symlinks=False) and entry.name in _PACKAGE_FOLDERS:
                shutil.rmtree(entry.path)
            elif entry.is_file(follow_symlinks=False) and entry.name.endswith(_PACKAGE_FILES):
                os.unlink(entry.path)
        failpoint(PruneFailpoint.PACKAGES_REMOVED)
    for folder in (packages, run_folder(state, run_id)):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _remove_backups(state: StateFolder) -> int:
    """Remove the backups that no run names; none where a journal cannot tell which it names."""
    runs = [run for run in _read(state) if run.record is not None or os.path.lexists(_journal(state, run.id))]
    if not all(run.is_whole for run in runs):
        return 0
    named = {sha for run in runs for sha in run.backups}
    removed = 0
    for sha in sorted(_backup_sizes(state).keys() - named):
        os.unlink(state.subfolder(Subfolder.BACKUPS) / sha)
        removed += 1
        failpoint(PruneFailpoint.BACKUP_REMOVED)
    return removed


def _journal(state: StateFolder, run_id: str) -> Path:
    return run_folder(state, run_id) / JOURNAL_NAME


def _backup_sizes(state: StateFolder) -> dict[str, int]:
    if not (state.exists() and state.has(Subfolder.BACKUPS)):
        return {}
    entries = _entries(state.subfolder(Subfolder.BACKUPS))
    return {e.name: e.stat(follow_symlinks=False).st_size for e in entries if is_backup(e.name)}


def _size(folder: Path) -> int:
    """Return the bytes that the files in a folder take, at any depth."""
    total = 0
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            total += _size(Path(entry.path))
        else:
            with contextlib.suppress(FileNotFoundError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from list(found)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
