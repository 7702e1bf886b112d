"""Progress on standard error: a line that is redrawn while long work runs on a terminal, nothing otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self, TextIO

from sophia_cli.project.clock import Clock

_FIRST_AFTER_S = 1.0
_EVERY_S = 0.1
_ERASE = "\r\x1b[K"


class RedrawnLine:
    """One line at the end of a terminal that is drawn again and again; nothing where there is none, or when quiet."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str], quiet: bool) -> None:
        self._stream = stream
        self._is_drawn = False
        self.is_shown = stream.isatty() and not quiet and environment.get("TERM") != "dumb"

    def draw(self, text: str) -> None:
        """Draw a short text in place of the last one."""
        if self.is_shown:
            self._stream.write(f"{_ERASE}{text}")
            self._stream.flush()
            self._is_drawn = True

    def clear(self) -> None:
        """Take the line away; call it before anything else is written."""
        if self._is_drawn:
            self._stream.write(_ERASE)
            self._stream.flush()
            self._is_drawn = False


class ProgressLine:
    """Draws `scanning: 120 of 785 files` once work takes longer than a second, at most ten times a second.

    Use it in a `with` block: however the work ends, the line is gone then.
    """

    def __init__(self, stream: TextIO, clock: Clock, environment: Mapping[str, str], quiet: bool = False) -> None:
        self._line = RedrawnLine(stream, environment, quiet)
        self._clock = clock
        self._next_at = clock.monotonic() + _FIRST_AFTER_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def files(self, done: int, total: int) -> None:
        """Say how many files are scanned."""
        self.say(f"scanning: {done} of {total} files")

    def say(self, text: str) -> None:
        """Draw a short text in place of the last one, when it is time."""
        now = self._clock.monotonic()
        if self._line.is_shown and now >= self._next_at:
            self._next_at = now + _EVERY_S
            self._line.draw(text)

    def clear(self) -> None:
        """Take the line away; call it before anything else is written."""
        self._line.clear()
