"""Which check runs, on standard error: redrawn on a terminal, nothing otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from sophia_cli.commands.command_line.progress import RedrawnLine

_WIDTH = 100


class VerifyProgress:
    """Draws `api: 3 of 12, GET /orders` before every check."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str], quiet: bool) -> None:
        self._line = RedrawnLine(stream, environment, quiet)

    def show(self, service: str, number: int, count: int, name: str) -> None:
        """Draw where it stands."""
        line = f"{service}: {number} of {count}, {name}"
        shown = "".join(character if character.isprintable() else "?" for character in line)
        self._line.draw(shown if len(shown) <= _WIDTH else shown[: _WIDTH - 3] + "...")

    def clear(self) -> None:
        """Take the line away; call it before anything else is written."""
        self._line.clear()
