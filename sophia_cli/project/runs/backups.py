"""Backups: the old bytes of changed files, each in a file that is named by their SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from sophia_cli.project.failpoints import Failpoint, failpoint
from sophia_cli.project.parallel import for_each
from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.state_folder import StateFolder, Subfolder, sync_folder

_LEFTOVER = re.compile(r"[0-9a-f]{64}\.tmp")
_SHA = re.compile(r"[0-9a-f]{64}")


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal: the name that its backup has."""
    return hashlib.sha256(data).hexdigest()


def is_backup(name: str) -> bool:
    """Tell whether a file in the folder of backups has the name of one."""
    return _SHA.fullmatch(name) is not None


class Backups:
    """The content-addressed store of one project. Writing needs the project's lock."""

    __slots__ = ("_state",)

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    def store(self, contents: Iterable[bytes]) -> None:
        """Return once all contents are on the disk; those that are there already are checked, and mended if damaged.

        Raises UnavailableError when there is no place for them, WriteFailed when the disk refuses.
        """
        folder = self._state.writable(Subfolder.BACKUPS)
        # Each content once: two threads must not write the same backup.
        by_sha = {digest(data): data for data in contents}

        def store_one(sha: str) -> None:
            if self.read(sha) is None:
                self._write(folder, sha, by_sha[sha])
                failpoint(Failpoint.BACKUP_WRITTEN)

        for_each(tuple(by_sha), store_one)
        try:
            sync_folder(folder)
        except OSError as error:
            raise WriteFailed(str(folder), error) from error

    def read(self, sha: str) -> bytes | None:
        """Return the bytes with this SHA-256, or None when the backup is missing or damaged."""
        if not _SHA.fullmatch(sha):
            return None
        try:
            file = os.open(self._state.subfolder(Subfolder.BACKUPS) / sha, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(file, "rb") as stream:
                data = stream.read()
        except OSError:
            return None
        return data if digest(data) == sha else None

    def sweep(self) -> None:
        """Remove half-written backups that a crash left; everything else in the folder stays."""
        if not self._state.has(Subfolder.BACKUPS):
            return
        folder = self._state.subfolder(Subfolder.BACKUPS)
        with contextlib.suppress(FileNotFoundError):
            for entry in os.listdir(folder):
                if _LEFTOVER.fullmatch(entry):
                    os.unlink(folder / entry)

    def _write(self, folder: Path, sha: str, data: bytes) -> None:
        temporary = folder / f"{sha}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.rename(temporary, folder / sha)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise WriteFailed(str(folder / sha), error) from error
