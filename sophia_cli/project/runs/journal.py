"""A run's journal: an append-only file of checksummed records, on the disk before the changes that they announce."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.runs.records import Begin, Record, decode, encode
from sophia_cli.project.state_folder import sync_folder

JOURNAL_NAME = "journal.jsonl"
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class JournalContent:
    """What a journal holds.

    `damaged` are the numbers, from 1, of whole lines that cannot be trusted or that are missing; a torn last line is
    what a crash leaves and is no damage. `length` is the number of bytes up to the end of the last whole line.
    """

    records: tuple[Record, ...]
    damaged: tuple[int, ...]
    lines: int
    length: int


class Journal:
    """One open journal. Opening for writing cuts off a torn last line."""

    __slots__ = ("_file", "_length", "_sequence", "path")

    def __init__(self, path: Path) -> None:
        """Open or create the journal; WriteFailed when that cannot be done."""
        self.path = path
        try:
            content = read_journal(path)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise WriteFailed(str(path), error) from error
        self._length = content.length
        self._sequence = content.lines
        try:
            os.ftruncate(self._file, content.length)
            if content.length == 0:
                sync_folder(path.parent)
        except OSError as error:
            self.close()
            raise WriteFailed(str(path), error) from error

    def append(self, records: Iterable[Record]) -> None:
        """Add records without waiting for the disk; WriteFailed leaves the journal as it was before the call."""
        lines = [encode(record, self._sequence + offset) for offset, record in enumerate(records)]
        view = memoryview(b"".join(lines))
        end = self._length + len(view)
        try:
            while view:
                view = view[os.pwrite(self._file, view, end - len(view)) :]
        except OSError as error:
            os.ftruncate(self._file, self._length)
            raise WriteFailed(str(self.path), error) from error
        self._length = end
        self._sequence += len(lines)

    def sync(self) -> None:
        """Bring everything that was appended to the disk."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise WriteFailed(str(self.path), error) from error

    def write(self, *records: Record) -> None:
        """Add records and wait until they are on the disk."""
        self.append(records)
        self.sync()

    def close(self) -> None:
        """Close the file; harmless when that was done already."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def read_journal(path: Path) -> JournalContent:
    """Read a journal, skipping what is damaged; an absent one is empty. OSError when it cannot be read."""
    try:
        data = _read(path)
    except FileNotFoundError:
        data = b""
    length = data.rfind(b"\n") + 1
    records: list[Record] = []
    damaged: list[int] = []
    expected = 0
    lines = data[:length].split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        decoded = decode(line)
        if decoded is None:
            damaged.append(number)
            expected += 1
            continue
        sequence, record = decoded
        if sequence != expected:
            damaged.append(number)
        expected = sequence + 1
        records.append(record)
    return JournalContent(tuple(records), tuple(damaged), expected, length)


def first_record(path: Path) -> Begin | None:
    """Return how the run began, reading only the journal's head; None when that cannot be told."""
    try:
        head = _read(path, _TAIL_BYTES)
    except OSError:
        return None
    line, newline, _ = head.partition(b"\n")
    if not newline:
        return next((record for record in read_journal(path).records if isinstance(record, Begin)), None)
    decoded = decode(line)
    return decoded[1] if decoded is not None and isinstance(decoded[1], Begin) else None


def last_record(path: Path) -> Record | None:
    """Return the record on the journal's last whole line, reading only its tail; None when that cannot be told."""
    try:
        size = os.stat(path).st_size
        lines = _read(path, _TAIL_BYTES, max(0, size - _TAIL_BYTES)).split(b"\n")
        if len(lines) < 3 and size > _TAIL_BYTES:
            lines = _read(path).split(b"\n")
    except OSError:
        return None
    # The piece after the last newline is a torn line, or nothing.
    decoded = decode(lines[-2]) if len(lines) >= 2 else None
    return None if decoded is None else decoded[1]


def _read(path: Path, count: int = -1, offset: int = 0) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as stream:
        stream.seek(offset)
        return stream.read(count)
