"""Space that a run holds back, so that taking it back never fails because the disk has become full meanwhile."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from sophia_cli.project.runs.atomic import WriteFailed

RESERVE_NAME = "reserve"
# What journal records and new folder entries take while a run is closed.
_ROOM_FOR_RECORDS = 16 * 1024


def needed_to_restore(sizes: list[tuple[int, int]]) -> int:
    """Return the bytes that restoring needs, given pairs of (original size, present size), one file after the other.

    Each restored copy stands beside the present file for a moment, and what shrank needs its old room back.
    """
    largest = max((original for original, _ in sizes), default=0)
    return largest + sum(max(0, original - present) for original, present in sizes) + _ROOM_FOR_RECORDS


def hold(folder: Path, size: int) -> None:
    """Make the reserve in a run's folder at least `size` bytes long; WriteFailed when there is no such room."""
    path = folder / RESERVE_NAME
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_size < size:
                _allocate(file, size)
        finally:
            os.close(file)
    except OSError as error:
        raise WriteFailed(str(path), error) from error


def release(folder: Path) -> None:
    """Give the reserve back to the disk; harmless when there is none."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(folder / RESERVE_NAME)


def _allocate(file: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    block = bytes(1 << 16)
    offset = 0
    while offset < size:
        offset += os.pwrite(file, block[: size - offset], offset)
