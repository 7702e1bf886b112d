"""The scan cache: what was found in a file that has not changed since, one compact file for each set of rules.

A cache is only ever an optimisation: whatever is missing, damaged, foreign or not writable counts as absent. It is
read as data (JSON), never executed, and only from a folder that is the user's own and bound to this very place: a
checkout that brings a `.sophia/` along has no say.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.project.files import FileStamp
from sophia_cli.project.state_folder import StateFolder, Subfolder

_FORMAT = 1
_PREFIX = "scan-"
_MOST_FILES = 4
_MOST_ENTRIES = 200_000
_LARGEST_CACHE = 256 * 1024 * 1024
SETTLED_NS = 2_000_000_000
"""A file whose stamp is younger than this when it is read may change again without changing its stamp: the coarsest
time stamp in use (FAT) counts in two seconds."""

Values = str | int | float | bool | None | Sequence["Values"]
"""Plain values that JSON holds; what a report is turned into and back by its own codec."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """What is known of one file.

    `settled` is false when the file was so young that its stamp proves nothing; then only the digest does. `context`
    names what the report depends on beside the content; empty when on nothing.
    """

    stamp: FileStamp
    settled: bool
    digest: str
    context: str
    report: Values


class ScanCache:
    """The entries for one set of rules in one project. Read with `open`, changed by `store`, written by `save`."""

    def __init__(self, state: StateFolder, key: str, entries: dict[str, list[Values]]) -> None:
        self._state = state
        self._key = key
        self._entries = entries
        self._seen: set[str] = set()
        self._changed = False

    @classmethod
    def open(cls, state: StateFolder, key: str) -> ScanCache:
        """Return the cache for `key`, which must name everything that results depend on beside the files: version of
        Sophia, rules, Python. Empty when there is none that can be trusted."""
        return cls(state, key, _read_entries(state, key))

    def unchanged(self, path: str, stamp: FileStamp, context: str) -> CacheEntry | None:
        """Return the entry of a file whose stamp proves that its content is the same, None when it must be read."""
        entry = self._entry(path, context)
        return entry if entry is not None and entry.settled and entry.stamp == stamp else None

    def same_content(self, path: str, digest: str, context: str) -> CacheEntry | None:
        """Return the entry of a file that was read and has the content it had, None when it must be analysed."""
        entry = self._entry(path, context)
        return entry if entry is not None and entry.digest == digest else None

    def keep(self, path: str) -> None:
        """Note that this path's entry is still of use."""
        self._seen.add(path)

    def store(self, path: str, entry: CacheEntry) -> None:
        """Take in what was found in a file."""
        stamp = entry.stamp
        self._entries[path] = [
            *(stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode),
            *(entry.settled, entry.digest, entry.context, entry.report),
        ]
        self._seen.add(path)
        self._changed = True

    def save(self, is_whole: bool) -> bool:
        """Write the cache when it changed; return whether it is on disk. Never fails: a folder that cannot be
        written, a full disk or another run that writes at the same time only cost a later run its speed.

        With `is_whole` the run saw every file of the project, so entries it did not meet are dropped.
        """
        if is_whole and len(self._seen) < len(self._entries):
            self._entries = {path: values for path, values in self._entries.items() if path in self._seen}
            self._changed = True
        if not self._changed:
            return True
        if len(self._entries) > _MOST_ENTRIES:
            met_first = sorted(self._entries, key=lambda path: path not in self._seen)
            self._entries = {path: self._entries[path] for path in met_first[:_MOST_ENTRIES]}
        try:
            folder = self._state.writable(Subfolder.CACHE)
            _write(folder, _file_name(self._key), _sealed(self._key, _place(folder), self._entries))
            _prune(folder)
        except (SophiaError, OSError):
            return False
        self._changed = False
        return True

    def _entry(self, path: str, context: str) -> CacheEntry | None:
        match self._entries.get(path):
            case [int(size), int(mtime), int(ctime), int(inode), bool(settled), str(digest), str(known), report]:
                if known in ("", context):
                    return CacheEntry(FileStamp(size, mtime, ctime, inode), settled, digest, known, report)
        return None


def _file_name(key: str) -> str:
    return f"{_PREFIX}{zlib.crc32(key.encode('utf-8', 'surrogateescape')):08x}.json"


def _place(folder: Path) -> list[Values]:
    """Return what tells this folder from a copy of it: a cache made elsewhere is not believed."""
    found = os.lstat(folder)
    return [found.st_dev, found.st_ino]


def _sealed(key: str, place: list[Values], entries: dict[str, list[Values]]) -> bytes:
    body = json.dumps([_FORMAT, key, place, entries], separators=(",", ":")).encode("ascii")
    return b"%08x\n" % zlib.crc32(body) + body


def _read_entries(state: StateFolder, key: str) -> dict[str, list[Values]]:
    folder = state.subfolder(Subfolder.CACHE)
    try:
        if not state.exists() or not _is_own_folder(folder):
            return {}
        descriptor = os.open(folder / _file_name(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
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


def _prune(folder: Path) -> None:
    """Keep the caches that were written last; drop the rest, and what a killed run left half-written."""
    caches = [name for name in os.listdir(folder) if name.startswith(_PREFIX) and name.endswith(".json")]
    if len(caches) <= _MOST_FILES:
        return
    dated = sorted(((os.lstat(folder / name).st_mtime_ns, name) for name in caches), reverse=True)
    for _, name in dated[_MOST_FILES:]:
        with contextlib.suppress(OSError):
            os.unlink(folder / name)
