"""One file of a release's tree: written as recorded, and told from what is no longer as recorded."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sophia_cli.core.digests import sha256_hex
from sophia_cli.deploy.releases.model import ReleaseFile
from sophia_cli.project.inside import read_all

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO that took a file's place must not hang.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_tree_file(path: Path, data: bytes, file: ReleaseFile, *, sync: bool = False) -> None:
    """Create a file with the mode and the time that are recorded; OSError, also when something is there."""
    handle = os.open(path, _CREATE, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fchmod(handle, file.mode)
        os.utime(handle, ns=(file.mtime_ns, file.mtime_ns))
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def is_as_created(path: str, file: ReleaseFile) -> bool:
    """Whether a regular file is there with the mode, size and content that are recorded."""
    try:
        handle = os.open(path, _READ)
    except OSError:
        return False
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != file.mode or found.st_size != file.size:
            return False
        return sha256_hex(read_all(handle)) == file.sha256
    except OSError:
        return False
    finally:
        os.close(handle)
