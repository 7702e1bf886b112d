"""Changing files as a run: all of it or none of it, whatever happens in between, and undone to the byte later.

A file's new bytes are written only after its old ones are safe in the backups and the journal says what is about to
happen. All copies of a call are finished and on the disk before the first file is replaced, so a full disk shows while
nothing has changed yet. Read-only files (no write permission for their owner) are refused, also for root.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from sophia_cli import __version__
from sophia_cli.core.values import replace
from sophia_cli.project.failpoints import Failpoint, failpoint
from sophia_cli.project.inside import open_folder, resolve_inside, split_path
from sophia_cli.project.locks import HeldLock
from sophia_cli.project.runs.atomic import WriteFailed, temporary_name
from sophia_cli.project.runs.backups import Backups
from sophia_cli.project.runs.changes import FileChange, Target, check_changes, write_changes
from sophia_cli.project.runs.creation import remove_folders
from sophia_cli.project.runs.journal import JOURNAL_NAME, Journal, first_record, last_record
from sophia_cli.project.runs.records import (
    Abort,
    Backup,
    Begin,
    Commit,
    Done,
    Folders,
    Intend,
    Kept,
    PackageChange,
    Packages,
    PackagesDone,
    PackagesTakenBack,
    TakenBack,
)
from sophia_cli.project.runs.recovery import Recovered, recover
from sophia_cli.project.runs.reserve import hold, needed_to_restore, release
from sophia_cli.project.runs.restore import (
    Barred,
    Restoration,
    RollbackIncomplete,
    Wanted,
    entry_to_restore,
    forget_packages,
    packages_back,
    restore,
    roll_back,
)
from sophia_cli.project.runs.run_folders import run_folder, run_ids
from sophia_cli.project.runs.run_record import FileEntry, PackagesEntry, RunRecord, RunState, intended
from sophia_cli.project.state_folder import Subfolder, sync_folder

__all__ = ["FileChange", "Run", "begin_run"]

_ID_BYTES = (2, 2, 2, 2, 3, 3, 4, 8)


def begin_run(lock: HeldLock, command: str, now: Callable[[], datetime]) -> Run:
    """Start a run under the project's lock; an unfinished earlier run is settled first (`Run.recovered`).

    Use it in a `with` block: leaving without `commit` takes everything back. Raises RollbackIncomplete when the
    earlier run cannot be settled, UnavailableError or WriteFailed when there is no room for the journal.
    """
    recovered = recover(lock, now)
    runs = lock.state.writable(Subfolder.RUNS)
    begun = (first_record(runs / run_id / JOURNAL_NAME) for run_id in run_ids(lock.state))
    number = 1 + max((record.number for record in begun if record is not None), default=0)
    run_id = _make_run_folder(runs)
    failpoint(Failpoint.RUN_FOLDER_MADE)
    journal = Journal(runs / run_id / JOURNAL_NAME)
    try:
        journal.write(Begin(run_id, number, command, lock.pid, __version__, now().isoformat()))
    except BaseException:
        journal.close()
        raise
    failpoint(Failpoint.RUN_BEGUN)
    return Run(lock, run_id, journal, now, recovered)


class Run:
    """Executed file changes that stand or fall together. One thread uses it; `id` is what `sophia undo` takes."""

    def __init__(
        self,
        lock: HeldLock,
        run_id: str,
        journal: Journal,
        now: Callable[[], datetime],
        recovered: tuple[Recovered, ...],
    ) -> None:
        self.id = run_id
        self.recovered = recovered
        self._lock = lock
        self._journal = journal
        self._now = now
        self._folder = run_folder(lock.state, run_id)
        self._backups = Backups(lock.state)
        self._entries: dict[str, FileEntry] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._folders: dict[str, None] = {}
        self._packages: PackagesEntry | None = None
        self._open = True

    @property
    def changed(self) -> tuple[str, ...]:
        """The files that differ from what they were before this run, sorted."""
        return tuple(sorted(entry.path for entry in self._entries.values() if entry.final != entry.original))

    def check(self, path: str) -> None:
        """Raise FileRefused when `apply` would refuse this file: read-only, outside, not a file, not readable."""
        resolved = resolve_inside(self._lock.root, path)
        with open_folder(self._lock.root, resolved) as folder:
            name = split_path(resolved)[1]
            folder.check_writable(name, folder.read(name).facts)

    def apply(self, changes: Iterable[FileChange]) -> tuple[str, ...]:
        """Make these changes, all or none; return the paths written, links resolved.

        Raises FileChanged when a file does not hold `before` any more (or one that is to be created has appeared),
        FileRefused when one may not be written, and
        WriteFailed when the disk refuses; what this call wrote is taken back then, and earlier calls still stand.
        RollbackIncomplete when even that is barred: the run can only be aborted then.
        """
        self._require_open()
        targets = check_changes(self._lock.root, changes, self._entries)
        failpoint(Failpoint.CHANGES_CHECKED)
        if not targets:
            return ()
        try:
            self._announce(targets)
            write_changes(self._lock.root, self.id, targets)
            self._journal.append(Done(target.path, target.after) for target in targets)
        except BaseException:
            self._put_back(targets)
            raise
        failpoint(Failpoint.APPLY_DONE)
        return tuple(target.path for target in targets)

    def take_back(self, paths: Iterable[str]) -> tuple[Kept, ...]:
        """Give these files the bytes back that they had before this run; return those that somebody else changed.

        Files that the run created are removed. Raises RollbackIncomplete when permissions or the disk stand in the way.
        """
        self._require_open()
        kept: list[Kept] = []
        barred: list[Barred] = []
        for path in paths:
            entry = self._entries.get(resolve_inside(self._lock.root, path))
            if entry is None:
                continue
            wanted = entry_to_restore(entry, entry.written, self._backups)
            self._restore(entry, wanted, kept, barred)
        remove_folders(self._lock.root, self._folders)
        if barred:
            raise RollbackIncomplete(self.id, tuple(barred))
        return tuple(kept)

    @property
    def lock(self) -> HeldLock:
        """The project's lock, which the run works under."""
        return self._lock

    def announce_packages(self, manifest: str, changes: Iterable[PackageChange]) -> None:
        """Bring to the disk that these packages are about to change; `manifest` is the SHA-256 of what was kept.

        From then on taking the run back restores them. A run does this once; WriteFailed when the disk refuses.
        """
        self._require_open()
        record = Packages(manifest, tuple(changes))
        self._journal.write(record, record)
        self._packages = PackagesEntry(record.manifest, record.changes)

    def packages_done(self, aftermath: str) -> None:
        """Bring to the disk that the packages have changed; `aftermath` is the SHA-256 of what their files hold."""
        self._require_open()
        self._journal.write(PackagesDone(aftermath))

    def take_back_packages(self) -> tuple[Kept, ...]:
        """Give the packages back what they were before this run; return those that could not be, and why.

        Raises RollbackIncomplete when permissions or the disk stand in the way.
        """
        self._require_open()
        record = self._as_record()
        if record.packages is None:
            return ()
        back = packages_back(self._lock.state, record)
        if back.barred:
            raise RollbackIncomplete(self.id, tuple(Barred(one.path, one.reason) for one in back.barred))
        if not back.kept:
            self._journal.write(PackagesTakenBack(record.packages.manifest))
            forget_packages(self._lock.state, record)
            self._packages = None
        return back.kept

    def commit(self, summary: str = "") -> None:
        """Let the run stand; afterwards only `undo_run` takes it back. WriteFailed leaves it open."""
        self._require_open()
        failpoint(Failpoint.BEFORE_COMMIT)
        release(self._folder)
        self._journal.append([Commit(self._now().isoformat(), summary)])
        failpoint(Failpoint.COMMIT_WRITTEN)
        self._journal.sync()
        failpoint(Failpoint.COMMIT_ON_DISK)
        self._close()

    def abort(self) -> tuple[Kept, ...]:
        """Take the whole run back; return files that were kept since somebody else changed them meanwhile.

        Raises RollbackIncomplete when permissions or the disk stand in the way; the next run tries again.
        """
        if not (self._open and self._lock.held):
            return ()
        # Ctrl-C may arrive between writing the commit and closing the run: it stands then.
        if isinstance(last_record(self._journal.path), Commit):
            self._close()
            return ()
        try:
            back = roll_back(self._lock, self._as_record())
            failpoint(Failpoint.BEFORE_ABORT_RECORD)
            self._journal.write(Abort(self._now().isoformat(), back.kept))
            failpoint(Failpoint.ABORT_ON_DISK)
            forget_packages(self._lock.state, self._as_record())
        finally:
            self._close()
        return back.kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    def _announce(self, targets: Sequence[Target]) -> None:
        """Bring old bytes and intents to the disk, and hold room for the way back. Nothing has changed until then."""
        first = [target for target in targets if target.path not in self._entries]
        self._backups.store(t.change.before for t in first if t.change.before is not None)
        failpoint(Failpoint.BACKUPS_ON_DISK)
        sizes = dict(self._sizes)
        for target in targets:
            original = sizes.get(target.path, (len(target.change.before or b""), 0))[0]
            sizes[target.path] = (original, len(target.change.after))
        hold(self._folder, needed_to_restore(list(sizes.values())))
        failpoint(Failpoint.RESERVE_TAKEN)
        intents = [Intend(t.number, t.path, t.before, t.after, t.mode) for t in targets]
        folders = tuple(dict.fromkeys(folder for target in targets for folder in target.new_folders))
        announced = [Folders(folders)] if folders else []
        self._journal.append([*announced, *(Backup(t.path, t.before, t.mode) for t in first), *intents])
        self._sizes = sizes
        self._folders.update(dict.fromkeys(folders))
        for intent in intents:
            self._entries[intent.path] = intended(self._entries.get(intent.path), intent)
        failpoint(Failpoint.INTENTS_WRITTEN)
        self._journal.sync()
        failpoint(Failpoint.INTENTS_ON_DISK)

    def _put_back(self, targets: Sequence[Target]) -> None:
        """Take back what a failed `apply` did so far."""
        release(self._folder)
        kept: list[Kept] = []
        barred: list[Barred] = []
        for target in targets:
            if target.path not in self._entries:
                continue
            old_bytes = partial(bytes, target.change.before or b"")
            wanted = Wanted(target.path, target.before, frozenset({target.after}), old_bytes)
            self._restore(self._entries[target.path], wanted, kept, barred)
        remove_folders(self._lock.root, self._folders)
        if barred:
            raise RollbackIncomplete(self.id, tuple(barred))

    def _restore(self, entry: FileEntry, wanted: Wanted, kept: list[Kept], barred: list[Barred]) -> None:
        match restore(self._lock.root, wanted, temporary_name(self.id, entry.number)):
            case Barred() as one:
                barred.append(one)
                return
            case Kept() as one:
                kept.append(one)
            case Restoration():
                pass
        # Also for a kept file: its bytes are somebody else's, so a later undo has nothing of this change to take back.
        self._journal.append([TakenBack(entry.path, wanted.sha)])
        self._entries[entry.path] = replace(entry, final=wanted.sha)
        failpoint(Failpoint.TAKEN_BACK)

    def _as_record(self) -> RunRecord:
        return RunRecord(
            id=self.id,
            number=0,
            command="",
            stamp="",
            summary="",
            state=RunState.UNFINISHED,
            entries=tuple(sorted(self._entries.values(), key=lambda entry: entry.number)),
            restored=frozenset(),
            undoing=(),
            kept=(),
            damaged=(),
            unannounced=(),
            packages=self._packages,
            folders=tuple(self._folders),
        )

    def _require_open(self) -> None:
        if not (self._open and self._lock.held):
            raise ValueError(f"run {self.id} is closed")

    def _close(self) -> None:
        self._open = False
        self._journal.close()
        failpoint(Failpoint.RUN_CLOSED)


def _make_run_folder(runs: Path) -> str:
    """Create the folder of a run under a short id that is not taken, and bring its entry to the disk."""
    for length in _ID_BYTES:
        run_id = os.urandom(length).hex()
        try:
            os.mkdir(runs / run_id, 0o700)
            for folder in (runs, *runs.parents[:2]):
                sync_folder(folder)
        except FileExistsError:
            continue
        except OSError as error:
            raise WriteFailed(str(runs / run_id), error) from error
        return run_id
    raise WriteFailed(str(runs), FileExistsError(17, "no free run id was found"))
