"""The store of file contents that no instance ever sees: compressed, found by SHA-256, read back only when intact.

An edit in a release's tree changes every release that shares the file by a hard link; it never reaches this store.
Contents lie in packs, one for what a deployment brought: hundreds of small files would cost as much as the copy itself.
A pack counts once its index has its name, which is given when both are on the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from sophia_cli.core.digests import sha256_hex
from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint
from sophia_cli.project.state_folder import sync_folder

_SHA = re.compile(r"[0-9a-f]{64}")
_LEVEL = 1
_PACK = ".pack"
_INDEX = ".index"
_TEMPORARY = ".tmp"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_Places = Mapping[str, tuple[int, int]]


class ObjectStore:
    """The contents in one folder. Whoever writes or collects holds the store's lock."""

    __slots__ = ("_packs", "folder")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._packs: dict[str, _Places] | None = None

    def names(self) -> frozenset[str]:
        """Return the SHA-256 of everything that is held."""
        return frozenset(sha for places in self._indexes().values() for sha in places)

    def read(self, sha: str) -> bytes | None:
        """Return the bytes with this SHA-256, None when they are missing or damaged."""
        for pack, places in self._indexes().items():
            if sha in places:
                data = self._content(pack, places[sha])
                if data is not None and sha256_hex(data) == sha:
                    return data
        return None

    def sweep(self) -> None:
        """Remove what a killed process left half-written; OSError."""
        known = self._indexes()
        for name in self._entries():
            is_lone = name.endswith(_PACK) and name.removesuffix(_PACK) not in known
            if is_lone or name.endswith(_TEMPORARY):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.folder / name)

    def collect(self, wanted: Collection[str]) -> int:
        """Remove what is not wanted and return how many contents went.

        A pack goes when most of it is not wanted; what is left of it moves to another one first, where the disk has
        room for that. What is wanted can be read at every moment. OSError.
        """
        self.sweep()
        before = self.names()
        live: set[str] = set()
        scattered: list[str] = []
        for pack, places in sorted(self._indexes().items()):
            own = {sha for sha in places if sha in wanted and sha not in live}
            if 2 * len(own) > len(places):
                live |= own
            else:
                scattered.append(pack)
        for pack in self._moved(scattered, wanted, live):
            # Without its index a pack is no more, however far this gets.
            for ending in (_INDEX, _PACK):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.folder / f"{pack}{ending}")
                failpoint(ReleaseFailpoint.OBJECT_REMOVED)
        self._packs = None
        return len(before - self.names())

    def _moved(self, packs: Sequence[str], wanted: Collection[str], live: Collection[str]) -> list[str]:
        """Move what is wanted out of packs and return those that nobody needs then."""
        left = {sha for pack in packs for sha in self._indexes()[pack] if sha in wanted and sha not in live}
        if not left:
            return list(packs)
        writer = PackWriter(self.folder)
        try:
            for sha in sorted(left):
                data = self.read(sha)
                if data is not None:
                    writer.add(sha, data)
            writer.finish(sync=True)
            writer.publish()
        except OSError:
            # A full disk: what needs no room to go still goes.
            writer.discard()
            return [pack for pack in packs if left.isdisjoint(self._indexes()[pack])]
        return list(packs)

    def _content(self, pack: str, place: tuple[int, int]) -> bytes | None:
        try:
            file = os.open(self.folder / f"{pack}{_PACK}", _READ)
            try:
                return zlib.decompress(os.pread(file, place[1], place[0]))
            finally:
                os.close(file)
        except (OSError, zlib.error):
            return None

    def _indexes(self) -> dict[str, _Places]:
        if self._packs is None:
            names = sorted(name for name in self._entries() if name.endswith(_INDEX))
            self._packs = {name.removesuffix(_INDEX): _read_index(self.folder / name) for name in names}
        return self._packs

    def _entries(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except OSError:
            return []


class PackWriter:
    """A pack being written; nothing is created before the first content."""

    __slots__ = ("_file", "_folder", "_name", "_places", "_size")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = os.urandom(12).hex()
        self._places: dict[str, tuple[int, int]] = {}
        self._file: BinaryIO | None = None
        self._size = 0

    def add(self, sha: str, data: bytes) -> None:
        """Append bytes under their SHA-256; OSError."""
        if self._file is None:
            path = self._folder / f"{self._name}{_PACK}"
            self._file = os.fdopen(os.open(path, _CREATE, 0o600), "wb")
        packed = zlib.compress(data, _LEVEL)
        self._file.write(packed)
        self._places[sha] = (self._size, len(packed))
        self._size += len(packed)
        failpoint(ReleaseFailpoint.OBJECT_WRITTEN)

    def finish(self, *, sync: bool = False) -> None:
        """Write everything out, the index under a name that does not count yet; OSError.

        Bringing it to the disk is the caller's without `sync`.
        """
        if self._file is None:
            return
        self._close(self._file, sync)
        path = self._folder / f"{self._name}{_INDEX}{_TEMPORARY}"
        index = os.fdopen(os.open(path, _CREATE, 0o600), "wb")
        try:
            index.write(json.dumps(self._places, separators=(",", ":")).encode("ascii"))
        finally:
            self._close(index, sync)

    def publish(self) -> None:
        """Make what was finished, and is on the disk, count; OSError."""
        if self._file is not None:
            path = self._folder / f"{self._name}{_INDEX}"
            os.rename(path.with_name(path.name + _TEMPORARY), path)
            sync_folder(self._folder)

    def discard(self) -> None:
        """Remove what was not published; harmless after `publish`."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            if not (self._folder / f"{self._name}{_INDEX}").exists():
                for ending in (_PACK, f"{_INDEX}{_TEMPORARY}"):
                    with contextlib.suppress(OSError):
                        os.unlink(self._folder / f"{self._name}{ending}")

    @staticmethod
    def _close(file: BinaryIO, sync: bool) -> None:
        with file:
            file.flush()
            if sync:
                os.fsync(file.fileno())


def _read_index(path: Path) -> _Places:
    """Return where contents lie in a pack, nothing for an index that cannot be read."""
    try:
        file = os.open(path, _READ)
        with os.fdopen(file, "rb") as stream:
            rows = json.loads(stream.read())
    except (OSError, ValueError):
        return {}
    found: dict[str, tuple[int, int]] = {}
    for sha, place in rows.items() if isinstance(rows, dict) else ():
        match place:
            case [int(offset), int(length)] if _SHA.fullmatch(sha):
                found[sha] = (offset, length)
    return found
