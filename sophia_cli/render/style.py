"""Colours for terminals, and text that cannot disturb one."""

from __future__ import annotations

import re
from enum import Enum

from sophia_cli.core.findings import Severity
from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass

_RESET = "\x1b[0m"
# C0 and C1 controls, and the marks that reorder text on screen: a file under repair may hold any of them.
_UNSAFE = late_pattern("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Tone(Enum):
    """What a piece of text is; the value is its ANSI colour."""

    ERROR = "\x1b[31m"
    WARNING = "\x1b[33m"
    NOTE = "\x1b[36m"
    GOOD = "\x1b[32m"
    STRONG = "\x1b[1m"
    FAINT = "\x1b[2m"


@dataclass(frozen=True, slots=True)
class Style:
    """How text is dressed: with colours or without, and `verbose` with evidence and alternatives."""

    colours: bool = False
    verbose: bool = False

    def paint(self, text: str, tone: Tone) -> str:
        """Return the text in its colour, unchanged without colours."""
        return f"{tone.value}{text}{_RESET}" if self.colours and text else text

    def severity(self, severity: Severity) -> str:
        """Return the severity's name in its colour."""
        tones = {Severity.ERROR: Tone.ERROR, Severity.WARNING: Tone.WARNING, Severity.NOTE: Tone.NOTE}
        return self.paint(severity.value, tones[severity])


def visible(text: str) -> str:
    """Return the text with control characters written out (`\\x1b`), tabs kept."""
    return _UNSAFE.sub(_written_out, text)


def plural(count: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _written_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
