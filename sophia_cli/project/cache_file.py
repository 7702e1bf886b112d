"""Files in the cache folder: whole documents, sealed, read as data and believed only where this user wrote them.

Whatever is missing, damaged, foreign or not writable counts as absent. A cache is read as JSON, never executed, and
only from a folder that is the user's own and bound to this very place: a checkout that brings a `.sophia/` along has
no say.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import zlib
from collections.abc import Sequence
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.project.state_folder import StateFolder, Subfolder

_FORMAT = 2
_MOST_FILES = 4
_LARGEST_CACHE = 256 * 1024 * 1024

Values = str | int | float | bool | None | Sequence["Values"]
"""Plain values that JSON holds; what is cached is turned into them and back by its own codec."""


def read_entries(state: StateFolder, kind: str, key: str) -> dict[str, list[Values]]:
    """Return the entries that `write_entries` wrote last under this kind and key; empty when none can be trusted."""
    folder = state.subfolder(Subfolder.CACHE)
    try:
        if not state.exists() or not _is_own_folder(folder):
            return {}
        descriptor = os.open(folder / _file_name(kind, key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_size > _LARGEST_CACHE:
                return {}
            content = file.read()
        place = _place(folder)
    except (SophiaError, OSError):
        return {}
    checksum, _, body = content.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(body):
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    match document:
        case [int(version), str(known), list(known_place), dict(entries)]:
            if version == _FORMAT and known == key and known_place == place:
                return entries
    return {}


def write_entries(state: StateFolder, kind: str, key: str, entries: dict[str, list[Values]]) -> bool:
    """Write the entries of a kind and key; return whether they are on disk. Never fails: a folder that cannot be
    written, a full disk or another run that writes at the same time only cost a later run its speed."""
    try:
        folder = state.writable(Subfolder.CACHE)
        _write(folder, _file_name(kind, key), _sealed(key, _place(folder), entries))
        _prune(folder, kind)
    except (SophiaError, OSError):
        return False
    return True


def _file_name(kind: str, key: str) -> str:
    return f"{kind}-{zlib.crc32(key.encode('utf-8', 'surrogateescape')):08x}.json"


def _place(folder: Path) -> list[Values]:
    """Return what tells this folder from a copy of it: a cache made elsewhere is not believed."""
    found = os.lstat(folder)
    return [found.st_dev, found.st_ino]


def _sealed(key: str, place: list[Values], entries: dict[str, list[Values]]) -> bytes:
    body = json.dumps([_FORMAT, key, place, entries], separators=(",", ":")).encode("ascii")
    return b"%08x\n" % zlib.crc32(body) + body


def _is_own_folder(folder: Path) -> bool:
    found = os.lstat(folder)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _write(folder: Path, name: str, content: bytes) -> None:
    """Replace a file whole: a reader sees the old one or this one, also when two runs write at once."""
    beside = folder / f"{name}.{os.getpid()}.tmp"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(beside, folder / name)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _prune(folder: Path, kind: str) -> None:
    """Keep the caches of a kind that were written last; drop the rest, and what a killed run left half-written."""
    caches = [name for name in os.listdir(folder) if name.startswith(f"{kind}-") and name.endswith(".json")]
    if len(caches) <= _MOST_FILES:
        return
    dated = sorted(((os.lstat(folder / name).st_mtime_ns, name) for name in caches), reverse=True)
    for _, name in dated[_MOST_FILES:]:
        with contextlib.suppress(OSError):
            os.unlink(folder / name)
