"""The log of an instance read as one stream, over its current file and the rotated ones.

A position counts the bytes since the log began and never changes. The current file `NAME` keeps its length when older
bytes leave it (they become a hole), so a position is an offset in it, from `origin` on where the file was cut off. A
rotated file is called `NAME.START`, START being the position of its first byte; an empty one says that what came
before it is gone.
"""

from __future__ import annotations

import os
from pathlib import Path

from sophia_cli.core.values import dataclass

_DIGITS = 15
_BLOCK = 65536
# Reading races with rotation; each turn that loses means that a whole file was rotated meanwhile.
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Rotated:
    """A rotated file, and the positions of its first byte and of the one after its last."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the bytes of a log are: in rotated files (oldest first), and from `start` to `end` in the current one."""

    rotated: tuple[Rotated, ...]
    origin: int
    start: int
    end: int

    @property
    def first(self) -> int:
        """The position of the oldest byte that is still there."""
        return next((one.start for one in self.rotated if one.end > one.start), self.start)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a log: where they begin, how many before them are gone for good, and where to read on."""

    position: int
    data: bytes
    lost: int

    @property
    def next_position(self) -> int:
        """The position after the last byte."""
        return self.position + len(self.data)


@dataclass(frozen=True, slots=True)
class Tail:
    """The last lines of a log without their ends, and the position from which to follow it."""

    lines: tuple[str, ...]
    position: int


def rotated_path(log: Path, start: int) -> Path:
    """Return the name of the rotated file that begins at a position."""
    return log.with_name(f"{log.name}.{start:0{_DIGITS}d}")


def origin_path(log: Path) -> Path:
    """Return the file that holds the position of the current file's first byte; without it that is 0."""
    return log.with_name(f"{log.name}.origin")


def layout_of(log: Path) -> Layout:
    """Return where the bytes of a log are at this moment; an absent log is an empty one."""
    rotated = _rotated(log)
    size = origin = 0
    for _ in range(_TRIES):
        size, origin = _size(log), _origin(log)
        # Sizes and names are of one moment only when nothing was rotated between.
        before, rotated = rotated, _rotated(log)
        if before == rotated:
            break
    newest = rotated[-1].end if rotated else 0
    if origin + size < newest:
        # It was cut off and the note of that is not written yet.
        origin = newest
    return Layout(rotated, origin, max(origin, newest), max(origin + size, newest))


def read_log(log: Path, position: int, limit: int = _BLOCK) -> Piece:
    """Return up to `limit` bytes at a position, from one file; no bytes at the end of the log.

    A position that rotation has deleted moves on to the oldest byte that is there, and `lost` says by how many.
    """
    piece = Piece(position, b"", 0)
    for _ in range(_TRIES):
        layout = layout_of(log)
        at = _available(layout, position)
        path, offset, end = _place(log, layout, at)
        try:
            data = _read(path, offset, max(0, min(limit, end - at)))
        except FileNotFoundError:
            continue
        piece = Piece(at, data, max(0, at - position))
        after = layout_of(log)
        # What was rotated while we read is zeros in the current file by now.
        if path != log or (after.start <= at and after.origin == layout.origin):
            break
    return piece


def tail_log(log: Path, count: int, since: int = 0, most_bytes: int = 4_000_000) -> Tail:
    """Return the last lines of a log from a position on, an unfinished last one included.

    No more than `most_bytes` are looked at.
    """
    end = layout_of(log).end
    start = end
    data = b""
    while start > since and end - start < most_bytes and data.count(b"\n") <= count:
        start = max(since, start - _BLOCK)
        data = _between(log, start, end)
    lines = data.splitlines()
    return Tail(tuple(line.decode("utf-8", "replace") for line in lines[-count:] if count > 0), end)


def _between(log: Path, start: int, end: int) -> bytes:
    found: list[bytes] = []
    position = start
    while position < end:
        piece = read_log(log, position, end - position)
        if not piece.data:
            break
        found.append(piece.data)
        position = piece.next_position
    return b"".join(found)


def _available(layout: Layout, position: int) -> int:
    """Return the first position at or after the given one whose byte is there, or the end."""
    for one in layout.rotated:
        if position < one.end:
            return max(position, one.start)
    return min(max(position, layout.start), layout.end)


def _place(log: Path, layout: Layout, position: int) -> tuple[Path, int, int]:
    """Return the file that holds a position, the offset in it, and the position at which its bytes end."""
    for one in layout.rotated:
        if one.start <= position < one.end:
            return one.path, position - one.start, one.end
    return log, position - layout.origin, layout.end


def _read(path: Path, offset: int, length: int) -> bytes:
    if length == 0:
        return b""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return os.pread(file, length, offset)
    finally:
        os.close(file)


def _rotated(log: Path) -> tuple[Rotated, ...]:
    prefix = f"{log.name}."
    found: list[Rotated] = []
    try:
        entries = list(os.scandir(log.parent))
    except FileNotFoundError:
        return ()
    for entry in entries:
        number = entry.name.removeprefix(prefix)
        if not entry.name.startswith(prefix) or len(number) != _DIGITS or not number.isdecimal():
            continue
        try:
            size = entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
        found.append(Rotated(log.with_name(entry.name), int(number), int(number) + size))
    return tuple(sorted(found, key=lambda one: one.start))


def _size(log: Path) -> int:
    try:
        return os.stat(log).st_size
    except FileNotFoundError:
        return 0


def _origin(log: Path) -> int:
    try:
        return int(origin_path(log).read_bytes())
    except (FileNotFoundError, ValueError):
        return 0
