"""The store of file contents that no instance ever sees: compressed, named by SHA-256, read back only when intact.

An edit in a release's tree changes every release that shares the file by a hard link; it never reaches this store.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import zlib
from collections.abc import Collection
from pathlib import Path

from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint

_SHA = re.compile(r"[0-9a-f]{64}")
_LEVEL = 1
_TEMPORARY = ".tmp"


class ObjectStore:
    """The contents in one folder. Whoever writes or collects holds the store's lock."""

    __slots__ = ("folder",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> frozenset[str]:
        """Return the SHA-256 of everything that is held, intact or not."""
        try:
            return frozenset(name for name in os.listdir(self.folder) if _SHA.fullmatch(name))
        except OSError:
            return frozenset()

    def read(self, sha: str) -> bytes | None:
        """Return the bytes with this SHA-256, None when they are missing or damaged."""
        if not _SHA.fullmatch(sha):
            return None
        try:
            file = os.open(self.folder / sha, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(file, "rb") as stream:
                data = zlib.decompress(stream.read())
        except (OSError, zlib.error):
            return None
        return data if hashlib.sha256(data).hexdigest() == sha else None

    def write(self, sha: str, data: bytes) -> None:
        """Put bytes in under their SHA-256, whole or not at all; bringing them to the disk is the caller's. OSError."""
        temporary = self.folder / f"{sha}{_TEMPORARY}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as stream:
                stream.write(zlib.compress(data, _LEVEL))
            os.rename(temporary, self.folder / sha)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        failpoint(ReleaseFailpoint.OBJECT_WRITTEN)

    def collect(self, wanted: Collection[str]) -> int:
        """Remove what is not wanted, and what was half-written; return how many contents went."""
        gone = 0
        for name in sorted(self._entries()):
            is_leftover = name.endswith(_TEMPORARY) and _SHA.fullmatch(name.removesuffix(_TEMPORARY)) is not None
            if is_leftover or (_SHA.fullmatch(name) and name not in wanted):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.folder / name)
                gone += not is_leftover
                failpoint(ReleaseFailpoint.OBJECT_REMOVED)
        return gone

    def _entries(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except OSError:
            return []
