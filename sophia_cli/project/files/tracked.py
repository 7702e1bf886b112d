"""Which paths git tracks, read from its index file: no git process runs, no configuration is read."""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from pathlib import Path

from sophia_cli.core.values import dataclass

_LARGEST_INDEX = 256 * 1024 * 1024
_HEADER = struct.Struct(">4sLL")
_EXTENDED_FLAG = 0x4000


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
    try:
        with open(checkout.git_folder / "index", "rb") as file:
            content = file.read(_LARGEST_INDEX + 1)
    except OSError:
        return TrackedPaths(())
    if len(content) > _LARGEST_INDEX:
        return TrackedPaths(())
    return TrackedPaths(parse_index(content))


def parse_index(content: bytes) -> tuple[str, ...]:
    """Return the sorted paths of a git index (versions 2, 3 and 4); those read so far when it is cut short.

    The layout is gitformat-index(5): a 12-byte header, then entries of 62 fixed bytes (64 with extended flags) and a
    path that ends in NUL; version 4 shares the front of each path with the one before.
    """
    if len(content) < _HEADER.size:
        return ()
    signature, version, count = _HEADER.unpack_from(content)
    if signature != b"DIRC" or version not in (2, 3, 4):
        return ()
    paths: list[bytes] = []
    position = _HEADER.size
    previous = b""
    while len(paths) < count and position + 62 <= len(content):
        extended = content[position + 60] & (_EXTENDED_FLAG >> 8)
        start = position + (64 if extended and version > 2 else 62)
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
    return tuple(sorted({os.fsdecode(path) for path in paths}))


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
