"""Reaching files without ever leaving the project root: links are resolved first, then every step is walked without."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.project.state_folder import STATE_FOLDER_NAME

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO that took a file's place must not hang.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEVER_WRITTEN = frozenset({STATE_FOLDER_NAME, ".git"})


class Obstacle(Enum):
    """Why a file is refused: by our own rules, since it is gone, since something else took its place, or barred.

    Barred means permissions or the disk, which can be put right; the others are somebody's choice.
    """

    RULE = "rule"
    GONE = "gone"
    REPLACED = "replaced"
    BARRED = "barred"


class FileRefused(SophiaError):
    """Sophia does not touch this file; `path` names it and `reason` says why. Nothing was changed."""

    exit_code = ExitCode.ROLLED_BACK

    def __init__(self, path: str, reason: str, obstacle: Obstacle = Obstacle.RULE) -> None:
        super().__init__(
            "file-refused",
            f"`{path}` is left alone: {reason}",
            hint="take the file out of the run, or remove what stands in the way",
            location=path,
        )
        self.path = path
        self.reason = reason
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What changes whenever somebody writes a file or puts another one in its place."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the system says of a regular file: permission bits, owner, group, number of hard links, identity."""

    mode: int
    owner: int
    group: int
    links: int
    identity: FileIdentity


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A regular file as it was read."""

    data: bytes
    facts: FileFacts


class Folder:
    """An open folder of the project; what happens through it cannot be led astray by a folder swapped for a link."""

    __slots__ = ("file", "parts", "root")

    def __init__(self, root: Path, parts: tuple[str, ...], path: str) -> None:
        """Open it on the way to `path`; FileRefused names that file when the way is blocked."""
        self.root = root
        self.parts = parts
        self.file = _walk(root, parts, path)

    def still_in_place(self) -> bool:
        """Whether the path from the root still leads to this very folder."""
        try:
            other = _walk(self.root, self.parts, ".")
        except FileRefused:
            return False
        try:
            there, here = os.fstat(other), os.fstat(self.file)
            return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
        finally:
            os.close(other)

    def identity(self, name: str) -> FileIdentity | None:
        """Return the identity of what has this name in the folder (a link is not followed), None when nothing has."""
        try:
            return _identity(os.stat(name, dir_fd=self.file, follow_symlinks=False))
        except FileNotFoundError:
            return None

    def read(self, name: str) -> DiskFile:
        """Read a regular file; FileRefused when it is missing, a link, not a file, or not readable."""
        path = "/".join((*self.parts, name))
        try:
            file = os.open(name, _FILE_FLAGS, dir_fd=self.file)
        except OSError as error:
            raise _refused(path, "it", error) from error
        try:
            facts = os.fstat(file)
            if not stat.S_ISREG(facts.st_mode):
                raise FileRefused(path, "it is not a regular file", Obstacle.REPLACED)
            data = read_all(file)
        except OSError as error:
            raise _refused(path, "it", error) from error
        finally:
            os.close(file)
        mode = stat.S_IMODE(facts.st_mode)
        return DiskFile(data, FileFacts(mode, facts.st_uid, facts.st_gid, facts.st_nlink, _identity(facts)))

    def check_writable(self, name: str, facts: FileFacts) -> None:
        """Raise FileRefused when a careful user would not expect this file to be replaced, even by root."""
        path = "/".join((*self.parts, name))
        if not facts.mode & stat.S_IWUSR:
            raise FileRefused(path, f"it is read-only (mode {facts.mode:04o})", Obstacle.BARRED)
        if not os.access(name, os.W_OK, dir_fd=self.file):
            raise FileRefused(path, "you may not write it", Obstacle.BARRED)
        if not os.access(".", os.W_OK | os.X_OK, dir_fd=self.file):
            raise FileRefused(path, "its folder is read-only", Obstacle.BARRED)
        if os.geteuid() not in (0, facts.owner):
            raise FileRefused(
                path, f"it belongs to user {facts.owner}, which replacing it would change", Obstacle.BARRED
            )
        if os.geteuid() != 0 and not self._gives(facts.group):
            reason = f"it belongs to group {facts.group}, which you are not in and replacing it would change"
            raise FileRefused(path, reason, Obstacle.BARRED)

    def _gives(self, group: int) -> bool:
        """Whether a new file in this folder may have the group: one of the user's, or one the folder hands on."""
        if group in (os.getegid(), *os.getgroups()):
            return True
        here = os.fstat(self.file)
        return bool(here.st_mode & stat.S_ISGID) and here.st_gid == group

    def close(self) -> None:
        """Close the folder."""
        os.close(self.file)


@contextmanager
def open_folder(root: Path, path: str) -> Iterator[Folder]:
    """Open the folder that a resolved path names a file in, no link followed, for a `with` block.

    FileRefused, naming `path`, when the way there is blocked.
    """
    folder = Folder(root, split_path(path)[0], path)
    try:
        yield folder
    finally:
        folder.close()


def resolve_inside(root: Path, path: str) -> str:
    """Return where `path` (relative to `root`, `/`) leads once links are resolved, again relative to `root`.

    FileRefused when it leaves the root, or belongs to git or to Sophia itself. `root` must be a real path.
    """
    if not path or path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise FileRefused(path, "it is not a path inside the project")
    real = os.path.realpath(root / path)
    top = os.fspath(root)
    prefix = top if top.endswith("/") else top + "/"
    if not real.startswith(prefix):
        raise FileRefused(path, f"it leads out of the project, to `{real}`")
    inside = real[len(prefix) :]
    if not _NEVER_WRITTEN.isdisjoint(inside.split("/")):
        raise FileRefused(path, "it belongs to git or to Sophia's own state")
    return inside


def read_all(file: int) -> bytes:
    """Return the bytes of an open file from its present position to the end."""
    chunks = []
    while chunk := os.read(file, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)


def split_path(path: str) -> tuple[tuple[str, ...], str]:
    """Return the folder names and the file name of a resolved path."""
    *parts, name = path.split("/")
    return tuple(parts), name


def check_recorded_path(path: str) -> None:
    """Raise FileRefused unless a path that was read from a journal is one that Sophia could have written there."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts) or not _NEVER_WRITTEN.isdisjoint(parts):
        raise FileRefused(path, "it is not a path that Sophia writes")


def _walk(root: Path, parts: tuple[str, ...], path: str) -> int:
    try:
        file = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(path, f"`{root}`", error) from error
    for index, part in enumerate(parts):
        try:
            inner = os.open(part, _FOLDER_FLAGS, dir_fd=file)
        except OSError as error:
            raise _refused(path, f"`{'/'.join(parts[: index + 1])}`", error) from error
        finally:
            os.close(file)
        file = inner
    return file


def _identity(facts: os.stat_result) -> FileIdentity:
    return FileIdentity(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def _refused(path: str, what: str, error: OSError) -> FileRefused:
    match error.errno:
        case errno.ENOENT:
            return FileRefused(path, f"{what} does not exist", Obstacle.GONE)
        case errno.ELOOP:
            return FileRefused(path, f"{what} is a symbolic link", Obstacle.REPLACED)
        case errno.ENOTDIR:
            return FileRefused(path, f"{what} is not a folder", Obstacle.REPLACED)
        case _:
            return FileRefused(path, f"{what} cannot be read: {error.strerror or error}", Obstacle.BARRED)
