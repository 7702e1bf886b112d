"""The agent's own log: one event a line, what belongs to it after it, never larger than it may be."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sophia_cli.project.state_folder import StateFolder

LOG_FOLDER = "logs"
AGENT_LOG = "agent.log"
_LARGEST = 5_000_000
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class _Lines(logging.Formatter):
    """`2026-11-22T10:00:00+00:00 INFO service ready service=api after_s=1.8`."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        extra = "".join(f" {name}={value}" for name, value in vars(record).items() if name not in _PLAIN)
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{stamp} {record.levelname} {record.getMessage()}{extra}{trace}"


class _BoundedFile(logging.Handler):
    """Appends to a file; at its largest size it becomes `NAME.1`. A full disk loses lines, not the agent."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = self._open()

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
        with contextlib.suppress(OSError):
            os.write(self._file, line)
            if os.fstat(self._file).st_size > _LARGEST:
                os.replace(self._path, self._path.with_name(f"{AGENT_LOG}.1"))
                # Opened first: without a free descriptor the old file is written on, never somebody else's.
                opened = self._open()
                os.close(self._file)
                self._file = opened

    def close(self) -> None:
        super().close()
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


@contextlib.contextmanager
def log_to(state: StateFolder, in_foreground: bool) -> Iterator[None]:
    """Send what is logged to `.sophia/logs/agent.log`, in the foreground to standard error instead."""
    folder = state.path / LOG_FOLDER
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    handler = logging.StreamHandler(sys.stderr) if in_foreground else _BoundedFile(folder / AGENT_LOG)
    handler.setFormatter(_Lines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()
