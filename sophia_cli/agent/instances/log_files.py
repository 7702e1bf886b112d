"""Log files of instances: written by the instance itself, so they outlive the agent, and rotated under its feet.

Older bytes are copied to a rotated file and their place in the current file becomes a hole; the writer appends on and
notices nothing. On a file system without holes the file is cut off instead, after the copy has caught up.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.project.host.log_stream import Layout, layout_of, origin_path, rotated_path
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.syscalls import punch_hole

_COPY = 1 << 20
_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT))


@dataclass(frozen=True, slots=True)
class Rotation:
    """What one step of rotation did: bytes kept in a rotated file, bytes dropped, and whether another step is due."""

    kept: int = 0
    dropped: int = 0
    is_more_due: bool = False


@dataclass(frozen=True, slots=True)
class LogFile:
    """The log of one instance: rotated when its current file holds `max_bytes`, with `keep` rotated files beside it."""

    path: Path
    max_bytes: int
    keep: int

    def open(self) -> int:
        """Return a descriptor for an instance to write to, close-on-exec; creates the file, private to the user.

        Raises OSError when that cannot be; the folder must be there.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self.path, flags, 0o600)

    def is_full(self) -> bool:
        """Whether a step of rotation is due."""
        layout = layout_of(self.path)
        return layout.end - layout.start >= self.max_bytes

    def rotate(self) -> Rotation:
        """Do one step of rotation when one is due: at most `max_bytes` are copied, so the caller is not held up long.

        Under a flood that outran the agent the oldest bytes, which would be deleted next anyway, are dropped at once;
        on a full disk rotated files are deleted first, and then bytes are dropped. Raises OSError for other failures;
        nothing is lost then and the next step goes on where this one stopped.
        """
        if self._is_small():
            return Rotation()
        layout = layout_of(self.path)
        filled = layout.end - layout.start
        if filled < self.max_bytes:
            return Rotation()
        most = self.max_bytes * (self.keep + 1)
        if self.keep == 0 or filled > most:
            cut = layout.end if self.keep == 0 else self._line_end(layout, layout.end - self.max_bytes * self.keep)
            return self._drop(layout, cut)
        cut = self._line_end(layout, layout.start + self.max_bytes)
        while not self._copy(layout, cut):
            oldest = next((one for one in layout.rotated if one.end > one.start), None)
            if oldest is None:
                return self._drop(layout, cut)
            oldest.path.unlink(missing_ok=True)
            layout = layout_of(self.path)
        return self._after(layout, cut, Rotation(kept=cut - layout.start))

    def _is_small(self) -> bool:
        """Whether the size alone tells that nothing is due: it is asked every few seconds, the layout costs more."""
        try:
            return os.stat(self.path).st_size < self.max_bytes
        except FileNotFoundError:
            return False

    def remove(self) -> None:
        """Delete the log with its rotated files."""
        for path in (*(one.path for one in layout_of(self.path).rotated), origin_path(self.path), self.path):
            path.unlink(missing_ok=True)

    def _after(self, layout: Layout, cut: int, done: Rotation) -> Rotation:
        """Free the room of what was rotated, and delete what is too old."""
        file = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            # From the very beginning, so that blocks which two rotations share are freed too.
            if isinstance(punch_hole(file, 0, cut - layout.origin), Missing):
                self._cut_off(file)
        finally:
            os.close(file)
        self._prune()
        return Rotation(done.kept, done.dropped, self.is_full())

    def _drop(self, layout: Layout, cut: int) -> Rotation:
        # The empty file tells readers that nothing before it is left in the current one.
        marker = os.open(rotated_path(self.path, cut), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        os.close(marker)
        return self._after(layout, cut, Rotation(dropped=cut - layout.start))

    def _line_end(self, layout: Layout, end: int) -> int:
        """Return the position after the last whole line before `end`; `end` itself when none is near."""
        file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            # A longer last line is cut in two rather than left for the next file, or files would stay almost empty.
            looked = min(self.max_bytes // 4, 65536)
            last = os.pread(file, looked, end - looked - layout.origin)
        finally:
            os.close(file)
        newline = last.rfind(b"\n")
        return end if newline < 0 else end - len(last) + newline + 1

    def _copy(self, layout: Layout, cut: int) -> bool:
        """Bring a range into a rotated file, whole or not at all; False when the disk is full."""
        unfinished = self.path.with_name(f"{self.path.name}.tmp")
        try:
            _append(self.path, unfinished, layout.start - layout.origin, cut - layout.origin, os.O_TRUNC)
            os.rename(unfinished, rotated_path(self.path, layout.start))
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            if error.errno in _NO_ROOM:
                return False
            raise
        return True

    def _cut_off(self, file: int) -> None:
        """Copy what came meanwhile as well, then empty the current file."""
        while True:
            layout = layout_of(self.path)
            size = os.fstat(file).st_size
            copied = layout.start - layout.origin
            if copied >= size:
                break
            _append(self.path, layout.rotated[-1].path, copied, size, 0)
        os.ftruncate(file, 0)
        noted = self.path.with_name(f"{self.path.name}.origin.tmp")
        noted.write_bytes(b"%d\n" % layout.start)
        os.rename(noted, origin_path(self.path))

    def _prune(self) -> None:
        rotated = layout_of(self.path).rotated
        full = [one for one in rotated if one.end > one.start]
        # The newest one always stays: where it ends, the current file begins.
        old = [*full[: max(0, len(full) - self.keep)], *(one for one in rotated if one.end == one.start)]
        for one in old:
            if one != rotated[-1]:
                one.path.unlink(missing_ok=True)


def _append(source: Path, target: Path, start: int, end: int, flags: int) -> None:
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        everything = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_APPEND | flags
        writing = os.open(target, everything, 0o600)
        try:
            while start < end:
                chunk = os.pread(reading, min(_COPY, end - start), start)
                if not chunk:
                    raise OSError(errno.EIO, "the log became shorter while it was copied")
                _write(writing, chunk)
                start += len(chunk)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
