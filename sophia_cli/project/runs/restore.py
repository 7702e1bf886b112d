"""Giving files their old bytes back: only where the present bytes are ones that Sophia wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import assert_never

from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.project.failpoints import Failpoint, failpoint
from sophia_cli.project.inside import DiskFile, FileRefused, Obstacle, check_recorded_path, open_folder, split_path
from sophia_cli.project.locks import HeldLock
from sophia_cli.project.parallel import for_each
from sophia_cli.project.runs.atomic import FileChanged, WriteFailed, discard, remove_in, replace_in, temporary_name
from sophia_cli.project.runs.backups import Backups, digest
from sophia_cli.project.runs.creation import remove_folders
from sophia_cli.project.runs.records import ABSENT, Kept
from sophia_cli.project.runs.reserve import release
from sophia_cli.project.runs.run_folders import packages_folder, run_folder
from sophia_cli.project.runs.run_record import FileEntry, PackagesBack, RunRecord
from sophia_cli.project.state_folder import STATE_FOLDER_NAME, StateFolder


class Restoration(Enum):
    """How restoring one file went well."""

    RESTORED = "restored"
    NOT_NEEDED = "not-needed"


@dataclass(frozen=True, slots=True)
class Barred:
    """A file that could not be restored yet, since permissions or the disk stand in the way."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Restorable:
    """A file that can get its old bytes: how many those are, and how many it has at present."""

    original_size: int
    present_size: int


Outcome = Restoration | Kept | Barred


@dataclass(frozen=True, slots=True)
class Restored:
    """What was given back: files, packages of the environment, and what was kept and why."""

    files: tuple[str, ...]
    packages: tuple[str, ...]
    kept: tuple[Kept, ...]


class RollbackIncomplete(SophiaError):
    """Some files of a run have not got their old bytes back yet; `barred` says which, and why. Trying again is safe."""

    exit_code = ExitCode.UNDO_INCOMPLETE

    def __init__(self, run_id: str, barred: tuple[Barred, ...]) -> None:
        names = ", ".join(f"`{one.path}` ({one.reason})" for one in barred)
        super().__init__(
            "rollback-incomplete",
            f"run {run_id} is not rolled back yet: {names}",
            hint="put that right, then run `sophia undo --list`: it completes the roll-back; nothing is lost",
        )
        self.run_id = run_id
        self.barred = barred


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one file is to hold: SHA-256 and where its bytes come from (None when they are lost), or ABSENT.

    Only bytes whose SHA-256 is in `ours` are written over or removed.
    """

    path: str
    sha: str
    ours: frozenset[str]
    fetch: Callable[[], bytes | None]


def restore(root: Path, wanted: Wanted, temporary: str) -> Outcome:
    """Give one file its old bytes, or remove it where there was none; its present mode and owner stay.

    Half-finished copies of a crash are removed.
    """
    path = wanted.path
    try:
        check_recorded_path(path)
        name = split_path(path)[1]
        with open_folder(root, path) as folder:
            discard(folder, temporary)
            current = folder.read(name)
            data = _old_bytes(wanted, current)
            if data is None:
                remove_in(folder, name, current.facts)
            elif isinstance(data, bytes):
                replace_in(folder, name, data, current.facts, temporary)
            else:
                return data
    except FileChanged:
        return Kept(path, "it changed since")
    except FileRefused as refused:
        return _refusal(wanted, refused)
    except WriteFailed as failed:
        return Barred(path, failed.reason)
    failpoint(Failpoint.FILE_RESTORED)
    return Restoration.RESTORED


def restore_all(root: Path, jobs: Sequence[tuple[Wanted, str]]) -> list[Outcome]:
    """Do `restore` for many files (each with the name of its copy); those barred at first get a second try, alone."""
    outcomes = for_each(jobs, lambda job: restore(root, *job))
    # Several copies at once may not fit on a full disk where one after the other does.
    return [
        restore(root, *job) if isinstance(outcome, Barred) else outcome
        for job, outcome in zip(jobs, outcomes, strict=True)
    ]


def look(root: Path, wanted: Wanted) -> Restorable | Outcome:
    """Return what `restore` would meet, changing nothing."""
    try:
        check_recorded_path(wanted.path)
        with open_folder(root, wanted.path) as folder:
            current = folder.read(split_path(wanted.path)[1])
            data = _old_bytes(wanted, current)
            if data is None or isinstance(data, bytes):
                return Restorable(len(data or b""), len(current.data))
            return data
    except FileRefused as refused:
        return _refusal(wanted, refused)


def entry_to_restore(entry: FileEntry, ours: frozenset[str], backups: Backups) -> Wanted:
    """Return the wish that a run's file gets the bytes back that it had before the run."""
    return Wanted(entry.path, entry.original, ours, lambda: backups.read(entry.original))


def roll_back(lock: HeldLock, run: RunRecord) -> Restored:
    """Restore all files and packages of an unfinished run; return which changed by that, which were kept and why.

    Raises RollbackIncomplete when permissions or the disk stand in the way; the other files are restored then.
    """
    failpoint(Failpoint.ROLL_BACK_BEGUN)
    release(run_folder(lock.state, run.id))
    backups = Backups(lock.state)
    restored: list[str] = []
    packages = packages_back(lock.state, run)
    kept = list(packages.kept)
    barred = [Barred(one.path, one.reason) for one in packages.barred]
    jobs = [(entry_to_restore(e, e.written, backups), temporary_name(run.id, e.number)) for e in run.entries]
    for entry, outcome in zip(run.entries, restore_all(lock.root, jobs), strict=True):
        match outcome:
            case Restoration.RESTORED:
                restored.append(entry.path)
            case Restoration.NOT_NEEDED:
                pass
            case Kept():
                kept.append(outcome)
            case Barred():
                barred.append(outcome)
    if barred:
        raise RollbackIncomplete(run.id, tuple(barred))
    remove_folders(lock.root, run.folders)
    return Restored(tuple(restored), packages.restored, (*kept, *damage(run)))


def undo_entries(lock: HeldLock, run: RunRecord, paths: Iterable[str]) -> Restored:
    """Restore these files, and all packages, of a committed run where they are as the run left them."""
    release(run_folder(lock.state, run.id))
    backups = Backups(lock.state)
    chosen = frozenset(paths)
    packages = packages_back(lock.state, run)
    restored: list[str] = []
    kept = [*packages.kept, *packages.barred]
    entries = [entry for entry in run.entries if entry.path in chosen]
    jobs = [(entry_to_restore(e, frozenset({e.final}), backups), temporary_name(run.id, e.number)) for e in entries]
    for entry, outcome in zip(entries, restore_all(lock.root, jobs), strict=True):
        match outcome:
            case Restoration():
                restored.append(entry.path)
            case Kept() as one:
                kept.append(one)
            case Barred(path, reason):
                kept.append(Kept(path, reason))
    remove_folders(lock.root, run.folders)
    return Restored(tuple(restored), packages.restored, (*kept, *damage(run)))


def packages_back(state: StateFolder, run: RunRecord) -> PackagesBack:
    """Give the packages of a run back what they were before it, where an undo has not done so yet."""
    if run.packages is None:
        return PackagesBack((), ())
    from sophia_cli.project.packages.way_back import put_back

    return put_back(packages_folder(state, run.id), run.id, run.packages, run.pending_packages)


def look_at_packages(state: StateFolder, run: RunRecord) -> PackagesBack:
    """Return what `packages_back` would do with a finished run, changing nothing."""
    if run.packages is None:
        return PackagesBack((), ())
    from sophia_cli.project.packages.way_back import look_back

    return look_back(packages_folder(state, run.id), run.id, run.packages, run.pending_packages)


def forget_packages(state: StateFolder, run: RunRecord) -> None:
    """Leave no mark of a run in the environment, once its journal says that nothing of it is there any more."""
    if run.packages is not None:
        from sophia_cli.project.packages.way_back import forget

        forget(packages_folder(state, run.id), run.id, run.packages)


def damage(run: RunRecord) -> tuple[Kept, ...]:
    """Return what a damaged journal keeps Sophia from restoring."""
    lost = [Kept(one.path, f"the journal is damaged; {_where(one.sha)}") for one in run.unannounced]
    # One bad line is covered by its twin: a file's first change is told by a backup record and by an intent.
    if len(run.damaged) > 1:
        lines = ", ".join(str(number) for number in run.damaged)
        journal = f"{STATE_FOLDER_NAME}/runs/{run.id}/journal.jsonl"
        lost.append(Kept(journal, f"lines {lines} are damaged; files that only they name are left alone"))
    return tuple(lost)


def _where(sha: str) -> str:
    return (
        f"its old bytes are in `{STATE_FOLDER_NAME}/backups/{sha}`" if sha != ABSENT else "the run may have created it"
    )


def _old_bytes(wanted: Wanted, current: DiskFile) -> bytes | Restoration | Kept | None:
    """Return what a file is to hold instead of `current`, None when it is to go, or why nothing is to be done."""
    sha = digest(current.data)
    if sha == wanted.sha:
        return Restoration.NOT_NEEDED
    if sha not in wanted.ours:
        return Kept(wanted.path, "it changed since")
    if wanted.sha == ABSENT:
        return None
    data = wanted.fetch()
    if data is None or digest(data) != wanted.sha:
        return Kept(wanted.path, f"its backup `{STATE_FOLDER_NAME}/backups/{wanted.sha}` is missing or damaged")
    return data


def _refusal(wanted: Wanted, refused: FileRefused) -> Outcome:
    path = wanted.path
    match refused.obstacle:
        case Obstacle.GONE:
            gone = wanted.sha == ABSENT
            return Restoration.NOT_NEEDED if gone else Kept(path, "it was deleted or moved since")
        case Obstacle.BARRED:
            return Barred(path, refused.reason)
        case Obstacle.RULE | Obstacle.REPLACED:
            return Kept(path, refused.reason)
        case _:
            assert_never(refused.obstacle)
