"""One run as its journal tells it: which files, from what to what, and in which state."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.runs.journal import JournalContent
from sophia_cli.project.runs.records import (
    ABSENT,
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
    Record,
    TakenBack,
    UndoBegin,
    Undone,
)


class RunState(Enum):
    """Where a run stands. An unfinished one is rolled back, or its undo completed, by the next recovery.

    Of an unreadable one the journal holds nothing that can be trusted.
    """

    UNFINISHED = "unfinished"
    COMMITTED = "committed"
    ABORTED = "aborted"
    UNDOING = "undoing"
    UNDONE = "undone"
    PARTLY_UNDONE = "partly-undone"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a run by SHA-256: `original` before the run, `final` as the run left it, `written` all it ever wrote.

    ABSENT stands for no file. `mode` are the permission bits it had; `number` names its copies.
    """

    number: int
    path: str
    original: str
    final: str
    mode: int
    written: frozenset[str]

    @property
    def is_created(self) -> bool:
        """Whether the file was not there before the run."""
        return self.original == ABSENT


@dataclass(frozen=True, slots=True)
class PackagesEntry:
    """The packages that a run changes: SHA-256 of the record of their files before, and after once that is over."""

    manifest: str
    changes: tuple[PackageChange, ...]
    aftermath: str | None = None


@dataclass(frozen=True, slots=True)
class PackagesBack:
    """Names of packages that are as before a run, those that were kept and why, and what stood in the way."""

    restored: tuple[str, ...]
    kept: tuple[Kept, ...]
    barred: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. `stamp` is when it began (UTC, ISO 8601); `files` are the paths that it left changed.

    `restored` are files that an undo gave back, `kept` those that the last undo or roll-back left alone, `damaged` the
    journal lines (from 1) that cannot be trusted, `unannounced` files that were backed up but whose change is not told.
    `packages` are those that it changes in the project's environment, `packages_restored` those that an undo gave back.
    `folders` were made for files that it created.
    """

    id: str
    number: int
    command: str
    stamp: str
    summary: str
    state: RunState
    entries: tuple[FileEntry, ...]
    restored: frozenset[str]
    undoing: tuple[str, ...]
    kept: tuple[Kept, ...]
    damaged: tuple[int, ...]
    unannounced: tuple[Backup, ...]
    packages: PackagesEntry | None = None
    packages_restored: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()

    @property
    def pending_packages(self) -> tuple[str, ...]:
        """The packages that the run left changed and that no undo gave back."""
        changes = () if self.packages is None else self.packages.changes
        return tuple(change.name for change in changes if change.name not in self.packages_restored)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the run left changed, sorted."""
        return tuple(sorted(entry.path for entry in self.entries if entry.final != entry.original))


def tell(run_id: str, content: JournalContent) -> RunRecord:
    """Return the run that a journal's records describe."""
    entries: dict[str, FileEntry] = {}
    run = RunRecord(
        id=run_id,
        number=0,
        command="",
        stamp="",
        summary="",
        state=RunState.UNFINISHED if content.records else RunState.UNREADABLE,
        entries=(),
        restored=frozenset(),
        undoing=(),
        kept=(),
        damaged=content.damaged,
        unannounced=(),
    )
    for record in content.records:
        run = _next(run, record, entries)
    # In a whole journal a backup without an intent is a run that was killed before it changed the file.
    backed_up = (record for record in content.records if isinstance(record, Backup) and content.damaged)
    return replace(
        run,
        entries=tuple(sorted(entries.values(), key=lambda entry: entry.number)),
        unannounced=tuple(record for record in backed_up if record.path not in entries),
    )


def intended(entry: FileEntry | None, record: Intend) -> FileEntry:
    """Return what is known of a file once it is about to be replaced."""
    if entry is None:
        written = frozenset({record.after})
        return FileEntry(record.number, record.path, record.before, record.after, record.mode, written)
    return replace(entry, final=record.after, written=entry.written | {record.after})


def _next(run: RunRecord, record: Record, entries: dict[str, FileEntry]) -> RunRecord:
    match record:
        case Begin():
            return replace(run, number=record.number, command=record.command, stamp=record.stamp)
        case Backup() | Done():
            return run
        case Intend():
            entries[record.path] = intended(entries.get(record.path), record)
            return run
        case Folders(paths):
            return replace(run, folders=tuple(dict.fromkeys((*run.folders, *paths))))
        case TakenBack():
            entry = entries.get(record.path)
            if entry is not None:
                entries[record.path] = replace(entry, final=record.sha)
            return run
        case Packages(manifest, changes):
            return replace(run, packages=PackagesEntry(manifest, changes))
        case PackagesDone(aftermath):
            return run if run.packages is None else replace(run, packages=replace(run.packages, aftermath=aftermath))
        case PackagesTakenBack():
            return replace(run, packages=None)
        case Commit():
            return replace(run, state=RunState.COMMITTED, summary=record.summary)
        case Abort():
            return replace(run, state=RunState.ABORTED, kept=record.kept)
        case UndoBegin():
            return replace(run, state=RunState.UNDOING, undoing=record.paths)
        case Undone():
            return replace(
                run,
                state=RunState.PARTLY_UNDONE if record.kept else RunState.UNDONE,
                restored=run.restored | set(record.restored),
                packages_restored=run.packages_restored | set(record.packages),
                kept=record.kept,
                undoing=(),
            )
        case _:
            assert_never(record)
