"""Proves that code stays inside: no file, socket or process is opened and no clock is asked while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

_FORBIDDEN = (
    "open",
    "os.",
    "socket.",
    "subprocess.",
    "shutil.",
    "tempfile.",
    "glob.",
    "pathlib.",
    "time.sleep",
    "sqlite3.",
)
_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "sleep")


class WentOutside(AssertionError):
    """The guarded code reached for the world."""


class Guard:
    """Watches audit events while it is `watching`; Python cannot remove an audit hook, so one serves all tests."""

    def __init__(self) -> None:
        self.watching = False
        self.events: list[str] = []

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:  # Any: audit events carry anything
        """Raise WentOutside for an event that leaves the process."""
        if self.watching and event.startswith(_FORBIDDEN):
            self.watching = False
            self.events.append(f"{event} {arguments!r}"[:200])
            raise WentOutside(self.events[-1])

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Let nothing out while the block runs; raises WentOutside at its end even when the code swallowed it."""
        self.events.clear()
        with pytest.MonkeyPatch.context() as patch:
            for name in _CLOCKS:
                patch.setattr(time, name, self._asked(name))
            self.watching = True
            try:
                yield
            finally:
                self.watching = False
        if self.events:
            raise WentOutside("; ".join(self.events))

    def _asked(self, name: str) -> Callable[[], NoReturn]:
        def asked() -> NoReturn:
            self.events.append(f"time.{name}")
            raise WentOutside(self.events[-1])

        return asked


GUARD = Guard()
sys.addaudithook(GUARD.hook)
