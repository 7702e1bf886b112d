"""The folder `.sophia/` at the project root: journals, backups, cache and the lock, private to the user."""

from __future__ import annotations

import contextlib
import os
import stat
from enum import Enum
from pathlib import Path

from sophia_cli.core.errors import SophiaError, UnavailableError
from sophia_cli.project.failpoints import Failpoint, failpoint

STATE_FOLDER_NAME = ".sophia"
_PRIVATE = 0o700


class Subfolder(Enum):
    """The folders that Sophia keeps inside `.sophia/`."""

    RUNS = "runs"
    BACKUPS = "backups"
    CACHE = "cache"


class StateFolder:
    """Sophia's own folder in one project. Nothing is created before `ensure` or `writable` is called.

    Files in it that Sophia does not know keep their bytes and modes.
    """

    __slots__ = ("path", "root")

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.path = self.root / STATE_FOLDER_NAME

    @property
    def lock_file(self) -> Path:
        """Where the project's lock lives."""
        return self.path / "lock"

    def subfolder(self, which: Subfolder) -> Path:
        """Return where a subfolder is or would be; for reading, it may not exist."""
        return self.path / which.value

    def has(self, which: Subfolder) -> bool:
        """Whether a subfolder is there to be read; SophiaError (`state-folder-refused`) when it is a link or a file."""
        return _is_real_folder(self.subfolder(which))

    def exists(self) -> bool:
        """Whether the folder is there; SophiaError (`state-folder-refused`) when it is a link or a file."""
        return _is_real_folder(self.path)

    def ensure(self) -> None:
        """Create the folder where it is missing, mode 0700, with a `.gitignore` that keeps git away.

        Raises SophiaError (`state-folder-refused`) when something else has its name, UnavailableError
        (`state-folder-unavailable`) when it cannot be written.
        """
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.path, _PRIVATE)
            _is_real_folder(self.path)
            self._make_private()
            self._ignore_in_git()
            failpoint(Failpoint.STATE_FOLDER_MADE)
        except OSError as error:
            raise self._unavailable(error) from error

    def writable(self, which: Subfolder) -> Path:
        """Return a subfolder to write in, created with mode 0700; raises what `ensure` raises."""
        self.ensure()
        folder = self.subfolder(which)
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, _PRIVATE)
            _is_real_folder(folder)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(13, os.strerror(13))
        except OSError as error:
            raise self._unavailable(error) from error
        return folder

    def _make_private(self) -> None:
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            mode = stat.S_IMODE(os.fstat(folder).st_mode)
            if mode & 0o077:
                os.fchmod(folder, mode & ~0o077)
        finally:
            os.close(folder)

    def _ignore_in_git(self) -> None:
        target, copy = self.path / ".gitignore", self.path / ".gitignore.tmp"
        if os.path.lexists(target):
            return
        # Renamed when complete: an empty one, left by a crash, would pass for a file of the user's.
        file = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, b"*\n")
        finally:
            os.close(file)
        # Another Sophia may be at the same place: it brings the same bytes, and its copy is the only one then.
        with contextlib.suppress(FileNotFoundError):
            os.rename(copy, target)

    def _unavailable(self, error: OSError) -> UnavailableError:
        return UnavailableError(
            "state-folder-unavailable",
            f"`{self.path}` cannot be written: {error.strerror or error}",
            hint="Sophia keeps the means to undo there; make it writable or free some space, then run again",
            location=str(self.path),
        )


def sync_folder(path: Path) -> None:
    """Bring a folder's entries to the disk (fsync); OSError when it cannot be opened."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_real_folder(path: Path) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, PermissionError):
        return False
    if stat.S_ISDIR(mode):
        return True
    kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a folder"
    raise SophiaError(
        "state-folder-refused",
        f"`{path}` is {kind}; Sophia keeps its state in a real folder of that name only",
        hint=f"move `{path.name}` out of the way, then run again",
        location=str(path),
    )
