"""Replacing one file whole: written beside, checked, brought to the disk, renamed over, never through a link.

A file with several hard links is replaced at its one name and the other names keep the old bytes. Writing in place
would keep the link, but a crash in the middle would leave half a file, and the other name may lie outside the project.
Mode, owner and extended attributes travel to the replacement; where the owner cannot be kept the file is refused.
"""

from __future__ import annotations

import contextlib
import errno
import os

from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.project.failpoints import Failpoint, failpoint
from sophia_cli.project.inside import (
    FileFacts,
    FileRefused,
    Folder,
    Obstacle,
    read_all,
)

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# What a created file gets, less what the umask forbids.
NEW_FILE_MODE = 0o644
# What systems answer that know no hard links.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class WriteFailed(SophiaError):
    """The disk or the system refused a write of the file named by `path`; `reason` is the system's."""

    exit_code = ExitCode.ROLLED_BACK

    def __init__(self, path: str, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "make the file and its folder writable, then run again"
        if full:
            hint = "free some space, then run again"
        elif error.errno == errno.ENOENT:
            hint = "something removed its folder meanwhile; run again"
        super().__init__(
            "disk-full" if full else "write-failed",
            f"`{path}` cannot be written: {error.strerror or error}",
            hint=hint,
            location=path,
        )
        self.path = path
        self.reason = error.strerror or str(error)


class FileChanged(SophiaError):
    """Somebody changed the file named by `path` after Sophia looked at it; it keeps what they wrote."""

    exit_code = ExitCode.ROLLED_BACK

    def __init__(self, path: str) -> None:
        super().__init__(
            "file-changed",
            f"`{path}` changed while Sophia was working and keeps its bytes",
            hint="run again to look at the file afresh",
            location=path,
        )
        self.path = path


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A finished copy that waits beside its target; `replaces` is the target as it was read, None where none may be."""

    folder: Folder
    name: str
    temporary: str
    replaces: FileFacts | None

    @property
    def path(self) -> str:
        """The target, relative to the project root."""
        return "/".join((*self.folder.parts, self.name))


def temporary_name(run_id: str, number: int) -> str:
    """Return the name that the copy of a run's file number `number` has beside its target."""
    return f".sophia-{run_id}-{number}.tmp"


def stage(folder: Folder, name: str, temporary: str, data: bytes, replaces: FileFacts | None) -> StagedFile:
    """Write `data` beside `name` with the mode, owner and attributes of the file it will replace, and fsync it.

    With None it will be a file that is not there. Raises WriteFailed (nothing is left behind), or FileRefused when the
    owner cannot be kept.
    """
    staged = StagedFile(folder, name, temporary, replaces)
    try:
        file = os.open(temporary, _CREATE, NEW_FILE_MODE if replaces is None else 0o600, dir_fd=folder.file)
    except OSError as error:
        raise WriteFailed(staged.path, error) from error
    try:
        failpoint(Failpoint.COPY_CREATED)
        _fill(file, data)
        if replaces is not None:
            _dress(file, staged, replaces)
        failpoint(Failpoint.COPY_WRITTEN)
        os.fsync(file)
        if _content(file) != data:
            raise OSError(errno.EIO, "the bytes read back differ from those written")
        failpoint(Failpoint.COPY_ON_DISK)
    except OSError as error:
        discard(folder, temporary)
        raise WriteFailed(staged.path, error) from error
    except BaseException:
        discard(folder, temporary)
        raise
    finally:
        os.close(file)
    return staged


def put_in_place(staged: StagedFile) -> None:
    """Rename the copy over its target, unless the target or a folder on the way is not what it was.

    Where nothing may be replaced the copy takes the name only if nothing has it, whatever that is.
    Raises FileChanged, FileRefused or WriteFailed; the copy still waits then. When a folder was moved away in the very
    moment of the rename, the copy has taken its place there: `put_back_in` the same open folder reverses that.
    The folder's entry is not on the disk before `sync`.
    """
    _require_in_place(staged.folder, staged.path)
    failpoint(Failpoint.BEFORE_RENAME)
    _replace(staged)
    failpoint(Failpoint.AFTER_RENAME)
    _require_in_place(staged.folder, staged.path)


def put_back_in(staged: StagedFile, ours: bytes, old: bytes | None) -> None:
    """Give the target its old bytes where it holds `ours`, in the open folder, wherever that folder was moved to.

    With None it is removed.
    """
    discard(staged.folder, staged.temporary)
    try:
        current = staged.folder.read(staged.name)
    except FileRefused:
        return
    if current.data != ours:
        return
    if old is None:
        _remove(staged.folder, staged.name, current.facts)
    else:
        _replace(stage(staged.folder, staged.name, staged.temporary, old, current.facts))
    sync(staged.folder)


def sync(folder: Folder) -> None:
    """Bring a folder's entries to the disk."""
    try:
        os.fsync(folder.file)
    except OSError as error:
        raise WriteFailed("/".join(folder.parts) or ".", error) from error
    failpoint(Failpoint.FOLDER_ON_DISK)


def discard(folder: Folder, temporary: str) -> None:
    """Remove a copy that waits, or what a crash left of it; harmless when there is none, WriteFailed when barred."""
    try:
        os.unlink(temporary, dir_fd=folder.file)
    except FileNotFoundError:
        return
    except OSError as error:
        raise WriteFailed("/".join((*folder.parts, temporary)), error) from error


def replace_in(folder: Folder, name: str, data: bytes, current: FileFacts, temporary: str) -> None:
    """Replace the file that was read as `current`; raises what `stage`, `put_in_place` and `sync` raise."""
    discard(folder, temporary)
    staged = stage(folder, name, temporary, data, current)
    try:
        put_in_place(staged)
    except BaseException:
        discard(folder, temporary)
        raise
    sync(folder)


def remove_in(folder: Folder, name: str, current: FileFacts) -> None:
    """Remove the file that was read as `current`; raises FileChanged, FileRefused or WriteFailed, nothing removed."""
    _require_in_place(folder, "/".join((*folder.parts, name)))
    _remove(folder, name, current)
    sync(folder)


def _require_in_place(folder: Folder, path: str) -> None:
    if not folder.still_in_place():
        raise FileRefused(path, "a folder on the way to it was moved or replaced", Obstacle.REPLACED)


def _replace(staged: StagedFile) -> None:
    if staged.replaces is None:
        _take_free_name(staged)
        return
    if staged.folder.identity(staged.name) != staged.replaces.identity:
        raise FileChanged(staged.path)
    place = staged.folder.file
    try:
        os.rename(staged.temporary, staged.name, src_dir_fd=place, dst_dir_fd=place)
    except OSError as error:
        raise WriteFailed(staged.path, error) from error


def _take_free_name(staged: StagedFile) -> None:
    """Give the copy its name. Renaming would replace what just appeared there; a link never does."""
    place = staged.folder.file
    try:
        try:
            os.link(staged.temporary, staged.name, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if staged.folder.identity(staged.name) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            os.rename(staged.temporary, staged.name, src_dir_fd=place, dst_dir_fd=place)
            return
    except FileExistsError as error:
        raise FileChanged(staged.path) from error
    except OSError as error:
        raise WriteFailed(staged.path, error) from error
    discard(staged.folder, staged.temporary)


def _remove(folder: Folder, name: str, current: FileFacts) -> None:
    path = "/".join((*folder.parts, name))
    if folder.identity(name) != current.identity:
        raise FileChanged(path)
    try:
        os.unlink(name, dir_fd=folder.file)
    except OSError as error:
        raise WriteFailed(path, error) from error


def _fill(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _content(file: int) -> bytes:
    os.lseek(file, 0, os.SEEK_SET)
    return read_all(file)


def _dress(file: int, staged: StagedFile, target: FileFacts) -> None:
    """Give the copy its target's owner, extended attributes and mode (last: a change of owner clears mode bits)."""
    facts = os.fstat(file)
    if (facts.st_uid, facts.st_gid) != (target.owner, target.group):
        try:
            os.fchown(file, target.owner, target.group)
        except PermissionError as error:
            reason = f"its owner (user {target.owner}, group {target.group}) cannot be kept"
            raise FileRefused(staged.path, reason, Obstacle.BARRED) from error
    _copy_attributes(file, staged)
    os.fchmod(file, target.mode)


def _copy_attributes(file: int, staged: StagedFile) -> None:
    if not hasattr(os, "listxattr"):
        return
    source = os.open(staged.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=staged.folder.file)
    try:
        for name in os.listxattr(source):
            # Labels that only the system may set come back by its own rules.
            with contextlib.suppress(PermissionError):
                os.setxattr(file, name, os.getxattr(source, name))
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
    finally:
        os.close(source)
