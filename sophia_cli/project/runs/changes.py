"""File changes of one call: checked against the disk, then written so that all of them stand or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.project.inside import Folder, open_folder, resolve_inside, split_path
from sophia_cli.project.parallel import for_each
from sophia_cli.project.runs.atomic import (
    NEW_FILE_MODE,
    FileChanged,
    StagedFile,
    discard,
    put_back_in,
    put_in_place,
    stage,
    sync,
    temporary_name,
)
from sophia_cli.project.runs.backups import digest
from sophia_cli.project.runs.creation import make_folders, place_for
from sophia_cli.project.runs.records import ABSENT
from sophia_cli.project.runs.run_record import FileEntry

# Folders held open at once; more than that in one call are done in turns, far below any limit on open files.
_FOLDERS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class FileChange:
    """Replace the bytes `before` of a file by `after`; the path is relative to the project root and uses `/`.

    With None as `before` the file is created, with the folders that it needs: nothing may have its name.
    """

    path: str
    before: bytes | None
    after: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """A change whose path was resolved; `number` names the run's copies of the file, SHA-256 stand for the bytes.

    `new_folders` are those that have to be made for it, outer ones first.
    """

    number: int
    path: str
    mode: int
    change: FileChange
    before: str
    after: str
    new_folders: tuple[str, ...] = ()

    @property
    def folder(self) -> tuple[str, ...]:
        """The names of the folders on the way to the file."""
        return split_path(self.path)[0]


def check_changes(root: Path, changes: Iterable[FileChange], known: Mapping[str, FileEntry]) -> list[Target]:
    """Return the changes that are to be written, sorted by folder; `known` are the run's files so far.

    Raises FileChanged, FileRefused, or UsageError (`changes-conflict`) for two different changes of one file.
    """
    targets: dict[str, Target] = {}
    unused = len(known)
    for change in changes:
        place = None if change.before is not None else place_for(root, change.path)
        path = resolve_inside(root, change.path) if place is None else place.path
        if path in targets:
            if targets[path].change.after != change.after:
                raise UsageError("changes-conflict", f"`{path}` is changed twice in one call", location=path)
            continue
        mode = _mode_to_replace(root, path, change.before, change.after) if change.before is not None else NEW_FILE_MODE
        if mode is None:
            continue
        entry = known.get(path)
        number = unused if entry is None else entry.number
        unused += entry is None
        before = ABSENT if change.before is None else digest(change.before)
        folders = () if place is None else place.new_folders
        targets[path] = Target(number, path, mode, change, before, digest(change.after), folders)
    return sorted(targets.values(), key=lambda target: (target.folder, target.path))


def _mode_to_replace(root: Path, path: str, before: bytes, after: bytes) -> int | None:
    """Return the mode of a file that may be replaced, None when it holds `after` already."""
    with open_folder(root, path) as folder:
        name = split_path(path)[1]
        current = folder.read(name)
        if current.data != before:
            raise FileChanged(path)
        if before == after:
            return None
        folder.check_writable(name, current.facts)
    return current.facts.mode


def write_changes(root: Path, run_id: str, targets: Sequence[Target]) -> None:
    """Write checked changes and bring them to the disk; the copies of up to 64 folders are complete before a rename.

    On any failure the files of the present turn have their old bytes again; earlier turns, and folders that were made,
    are the caller's to take back.
    """
    make_folders(root, (folder for target in targets for folder in target.new_folders))
    for turn in _turns(targets):
        _write_turn(root, run_id, turn)


def _write_turn(root: Path, run_id: str, groups: Sequence[Sequence[Target]]) -> None:
    with ExitStack() as stack:
        folders = [stack.enter_context(open_folder(root, group[0].path)) for group in groups]
        jobs = [(folder, target) for folder, group in zip(folders, groups, strict=True) for target in group]
        staged: list[tuple[StagedFile, FileChange]] = []

        def stage_one(job: tuple[Folder, Target]) -> None:
            staged.append((_stage(run_id, *job), job[1].change))

        try:
            for_each(jobs, stage_one)
            for copy, _ in staged:
                put_in_place(copy)
        except BaseException:
            # Through the open folders: restoring by path would miss a folder that was moved away.
            for copy, change in staged:
                put_back_in(copy, change.after, change.before)
            for folder, target in jobs:
                discard(folder, temporary_name(run_id, target.number))
            raise
        for_each(folders, sync)


def _stage(run_id: str, folder: Folder, target: Target) -> StagedFile:
    name = split_path(target.path)[1]
    if target.change.before is None:
        return stage(folder, name, temporary_name(run_id, target.number), target.change.after, None)
    current = folder.read(name)
    if current.data != target.change.before:
        raise FileChanged(target.path)
    return stage(folder, name, temporary_name(run_id, target.number), target.change.after, current.facts)


def _turns(targets: Sequence[Target]) -> Iterator[list[list[Target]]]:
    """Cut targets, sorted by folder, into groups of one folder each, so many at a time as may be held open."""
    turn: list[list[Target]] = []
    for _, group in groupby(targets, key=lambda target: target.folder):
        turn.append(list(group))
        if len(turn) == _FOLDERS_AT_ONCE:
            yield turn
            turn = []
    if turn:
        yield turn
