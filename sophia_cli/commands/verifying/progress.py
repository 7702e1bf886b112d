"""Which check runs, on standard error: redrawn on a terminal, nothing otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

_ERASE = "\r\x1b[K"
_WIDTH = 100


class VerifyProgress:
    """Draws `api: 3 of 12, GET /orders` before every check."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str], quiet: bool) -> None:
        self._stream = stream
        self._enabled = stream.isatty() and not quiet and environment.get("TERM") != "dumb"
        self._drawn = False

    def show(self, service: str, number: int, count: int, name: str) -> None:
        """Draw where it stands."""
        if not self._enabled:
            return
        line = f"{service}: {number} of {count}, {name}"
        shown = "".join(character if character.isprintable() else "?" for character in line)
        self._stream.write(_ERASE + (shown if len(shown) <= _WIDTH else shown[: _WIDTH - 3] + "..."))
        self._stream.flush()
        self._drawn = True

    def clear(self) -> None:
        """Take the line away; call it before anything else is written."""
        if self._drawn:
            self._stream.write(_ERASE)
            self._stream.flush()
            self._drawn = False
