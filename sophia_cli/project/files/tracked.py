"""Which paths git tracks, read from its index file: no git process runs, no configuration is read."""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from pathlib import Path

from sophia_cli.core.values import dataclass

_LARGEST_INDEX = 256 * 1024 * 1024
_HEADER = struct.Struct(">4sLL")
_EXTENSION = struct.Struct(">4sL")
_EXTENDED_FLAG = 0x4000
_SHA1, _SHA256 = 20, 32


@dataclass(frozen=True, slots=True)
class Checkout:
    """A git working tree: its top folder, where its own metadata lies, and the metadata that work trees share."""

    top: Path
    git_folder: Path
    common_folder: Path


@dataclass(frozen=True, slots=True)
class TrackedPaths:
    """The paths of a git index, sorted, relative to the top of the checkout and with `/`."""

    paths: tuple[str, ...]

    def holds(self, path: str) -> bool:
        """Return whether git tracks this very file."""
        place = bisect_left(self.paths, path)
        return place < len(self.paths) and self.paths[place] == path

    def holds_below(self, folder: str) -> bool:
        """Return whether git tracks anything inside this folder."""
        prefix = folder + "/"
        place = bisect_left(self.paths, prefix)
        return place < len(self.paths) and self.paths[place].startswith(prefix)


def find_checkout(folder: Path) -> Checkout | None:
    """Return the git checkout that `folder` lies in, None when there is none or its metadata cannot be read."""
    for candidate in (folder, *folder.parents):
        place = candidate / ".git"
        try:
            if place.is_dir():
                return Checkout(candidate, place, _common_folder(place))
            if place.is_file():
                git_folder = _linked_folder(place)
                return None if git_folder is None else Checkout(candidate, git_folder, _common_folder(git_folder))
        except OSError:
            return None
    return None


def read_tracked(checkout: Checkout) -> TrackedPaths:
    """Return what the checkout's index tracks; nothing when there is no index or it cannot be understood."""
    index = _read_index(checkout.git_folder / "index")
    if index.shared is None:
        return TrackedPaths(tuple(sorted(index.paths)))
    # A split index holds what changed since the one that it names; what left since then is no matter.
    shared = _read_index(checkout.git_folder / f"sharedindex.{index.shared}")
    return TrackedPaths(tuple(sorted((index.paths | shared.paths) - {""})))


@dataclass(frozen=True, slots=True)
class _Index:
    """The paths of an index file, and the id of the one that it adds to when it is split."""

    paths: frozenset[str] = frozenset()
    shared: str | None = None


def _read_index(place: Path) -> _Index:
    try:
        with open(place, "rb") as file:
            content = file.read(_LARGEST_INDEX + 1)
    except OSError:
        return _Index()
    if len(content) > _LARGEST_INDEX or len(content) < _HEADER.size:
        return _Index()
    signature, version, count = _HEADER.unpack_from(content)
    if signature != b"DIRC" or version not in (2, 3, 4):
        return _Index()
    # The file does not say which hash function its repository has: what follows the entries tells.
    for width in (_SHA1, _SHA256):
        paths, end = _entries(content, version, count, width)
        extensions = _extensions(content, end, width)
        if extensions is not None:
            shared = extensions.get(b"link", b"")[:width]
            return _Index(paths, shared.hex() if any(shared) else None)
    return _Index(_entries(content, version, count, _SHA1)[0])


def _entries(content: bytes, version: int, count: int, width: int) -> tuple[frozenset[str], int]:
    """Return the paths of a git index, those read so far when it is cut short, and where they end.

    The layout is gitformat-index(5): a 12-byte header, then entries of 42 fixed bytes (44 with extended flags), a hash
    of `width` bytes and a path that ends in NUL; version 4 shares the front of each path with the one before.
    """
    paths: list[bytes] = []
    position = _HEADER.size
    previous = b""
    fixed = 42 + width
    while len(paths) < count and position + fixed <= len(content):
        extended = content[position + fixed - 2] & (_EXTENDED_FLAG >> 8)
        start = position + (fixed + 2 if extended and version > 2 else fixed)
        if version == 4:
            dropped, start = _variable_width(content, start)
            end = content.find(b"\0", start)
            if end < 0 or dropped > len(previous):
                break
            previous = previous[: len(previous) - dropped] + content[start:end]
            position = end + 1
        else:
            end = content.find(b"\0", start)
            if end < 0:
                break
            previous = content[start:end]
            position += (end - position + 8) & ~7
        paths.append(previous)
    return frozenset(os.fsdecode(path) for path in paths), position


def _extensions(content: bytes, position: int, width: int) -> dict[bytes, bytes] | None:
    """Return what follows the entries, by signature; None when it does not end where the closing hash begins."""
    found: dict[bytes, bytes] = {}
    end = len(content) - width
    while position + _EXTENSION.size <= end:
        signature, size = _EXTENSION.unpack_from(content, position)
        position += _EXTENSION.size + size
        found[signature] = content[position - size : position]
    return found if position == end else None


def _variable_width(content: bytes, position: int) -> tuple[int, int]:
    """Decode the offset encoding of pack files: seven bits a byte, each continued byte adds one."""
    value = 0
    while position < len(content):
        byte = content[position]
        position += 1
        value = (value << 7) | (byte & 0x7F)
        if not byte & 0x80:
            break
        value += 1
    return value, position


def _linked_folder(link: Path) -> Path | None:
    """Return the folder that a `.git` file (work tree or submodule) names."""
    text = _small_text(link)
    if text is None or not text.startswith("gitdir:"):
        return None
    folder = link.parent / text.removeprefix("gitdir:").strip()
    return folder if folder.is_dir() else None


def _common_folder(git_folder: Path) -> Path:
    text = _small_text(git_folder / "commondir")
    return git_folder / text.strip() if text else git_folder


def _small_text(path: Path) -> str | None:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read(8192))
    except OSError:
        return None
