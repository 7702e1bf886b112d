"""Which files of a project Sophia looks at, and what it leaves alone and why, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.project.files.classify import FileStatus


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What the file system says about a file's content without reading it; a change of content changes the stamp."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """One file: its path relative to the project root with `/` (undecodable bytes as surrogates), and its status.

    `named` is true when the user named this very file.
    """

    path: str
    status: FileStatus
    stamp: FileStamp
    named: bool = False


@dataclass(frozen=True, slots=True)
class SkippedFolder:
    """A folder that was not entered, and why."""

    path: str
    status: FileStatus


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found below the targets, sorted by path.

    `files` holds every Python file that was met, whatever its status; `folders` the folders that were left out whole.
    `documents` are the files beside the code that say something about the project (declarations of dependencies,
    settings of tools, container files) and that nothing leaves out. `is_whole` tells whether the targets covered the
    whole project.
    """

    root: Path
    files: tuple[ProjectFile, ...]
    folders: tuple[SkippedFolder, ...]
    is_whole: bool
    documents: tuple[ProjectFile, ...] = ()

    @property
    def to_scan(self) -> tuple[ProjectFile, ...]:
        """The files that a scan reports on, also those that it cannot read."""
        return tuple(file for file in self.files if file.status.is_reported)

    def counts(self) -> Mapping[FileStatus, int]:
        """Return how many files, and folders left out whole, have each status."""
        counts = Counter(file.status for file in self.files)
        counts.update(folder.status for folder in self.folders)
        return counts
