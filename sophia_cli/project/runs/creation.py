"""Files and folders that are not there: where they may come to be, and folders made and taken away for them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.project.failpoints import Failpoint, failpoint
from sophia_cli.project.inside import (
    FileRefused,
    Folder,
    Obstacle,
    check_recorded_path,
    open_folder,
    resolve_inside,
    split_path,
)
from sophia_cli.project.runs.atomic import WriteFailed

_FOLDER_MODE = 0o777


@dataclass(frozen=True, slots=True)
class NewPlace:
    """Where a file can be created: its path with links resolved, and the folders it needs, outer ones first."""

    path: str
    new_folders: tuple[str, ...]


def place_for(root: Path, path: str) -> NewPlace:
    """Return where the file `path` (relative to `root`, `/`) would be created.

    FileRefused when something has its name (a link that leads nowhere too), when a name on the way is no folder, when
    it leaves the root or belongs to git or Sophia, or when its folder may not be written.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise FileRefused(path, "it is not a path inside the project")
    folders = parts[:-1]
    there = 0
    while there < len(folders) and os.path.isdir(root.joinpath(*folders[: there + 1])):
        there += 1
    base = (resolve_inside(root, "/".join(folders[:there])),) if there else ()
    missing = parts[there:]
    resolved = "/".join((*base, *missing))
    check_recorded_path(resolved)
    with open_folder(root, "/".join((*base, missing[0]))) as folder:
        _check_free(folder, missing[0], path, is_file=len(missing) == 1)
    new_folders = tuple("/".join((*base, *missing[:count])) for count in range(1, len(missing)))
    return NewPlace(resolved, new_folders)


def make_folders(root: Path, folders: Iterable[str]) -> None:
    """Make these folders, outer ones first, and bring them to the disk; one that appeared meanwhile will do.

    WriteFailed when the disk refuses, FileRefused when the way is blocked; those made before that stay.
    """
    for path in sorted(dict.fromkeys(folders)):
        with open_folder(root, path) as outer:
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(split_path(path)[1], _FOLDER_MODE, dir_fd=outer.file)
                os.fsync(outer.file)
            except OSError as error:
                raise WriteFailed(path, error) from error
        failpoint(Failpoint.FOLDER_MADE)


def remove_folders(root: Path, folders: Iterable[str]) -> None:
    """Remove those of these folders that are there and empty, inner ones first; all others stay."""
    for path in sorted(folders, reverse=True):
        # What keeps a folder from going (somebody's file, permissions) is no loss.
        with contextlib.suppress(FileRefused, OSError):
            check_recorded_path(path)
            with open_folder(root, path) as outer:
                os.rmdir(split_path(path)[1], dir_fd=outer.file)
                os.fsync(outer.file)
            failpoint(Failpoint.FOLDER_REMOVED)


def _check_free(folder: Folder, name: str, path: str, *, is_file: bool) -> None:
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=folder.file):
        raise FileRefused(path, "its folder is read-only", Obstacle.BARRED)
    try:
        taken = folder.identity(name) is not None
    except OSError as error:
        raise FileRefused(path, f"`{name}` cannot be used: {error.strerror}", Obstacle.BARRED) from error
    if taken:
        reason = "something of that name is there" if is_file else f"`{'/'.join((*folder.parts, name))}` is no folder"
        raise FileRefused(path, reason, Obstacle.REPLACED)
