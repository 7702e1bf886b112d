"""The words of the repair engine: a fault, the sites that a repair changes, the repair as a whole."""

from __future__ import annotations

import re
from enum import Enum

from sophia_cli.core.findings import Safety
from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass


class Kind(Enum):
    """What is broken at one place; each value is the name of the rule that reports it."""

    INDENTATION = "wrong-indentation"
    BRACKET = "unbalanced-bracket"
    JUNK = "junk-characters"
    COMMENTED_CALL = "commented-call"
    INJECTED_LINE = "injected-line"
    LATE_FUTURE = "late-future-import"
    EMPTY_SUITE = "empty-suite"
    MISSING_TOKEN = "missing-token"
    TRUNCATED = "truncated-statement"
    CONFLICT = "conflict-marker"
    PROSE = "prose-in-code"
    STRING = "broken-string"
    SIGNATURE = "invalid-signature"
    SCOPE = "misplaced-statement"
    AWAIT = "await-outside-async"
    OTHER = "invalid-syntax"


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """The first objection of the compiler: line and column from 1, end exclusive, and its own words."""

    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    type: str


def moved_down(fault: SyntaxFault, lines: int) -> SyntaxFault:
    """Return a fault of a part of a text as one of the text, with so many lines above the part."""
    if not lines:
        return fault

    def moved(match: re.Match[str]) -> str:
        return match.group(1) + str(int(match.group(2)) + lines)

    message = _LINE_IN_MESSAGE.sub(moved, fault.message) if " line " in fault.message else fault.message
    return SyntaxFault(fault.line + lines, fault.column, fault.end_line + lines, fault.end_column, message, fault.type)


def lines_in(fault: SyntaxFault) -> list[int]:
    """Return the lines, from 1, that the compiler names besides the fault's own."""
    return [int(line) for _, line in _LINE_IN_MESSAGE.findall(fault.message)]


_LINE_IN_MESSAGE = late_pattern(r"(on line |at line )(\d+)")


@dataclass(frozen=True, slots=True)
class Site:
    """One place that a repair changes: lines [start, end) of the broken text, from 0, become `replacement`."""

    kind: Kind
    start: int
    end: int
    replacement: tuple[str, ...]
    title: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit that broke a file, and the last version that compiled."""

    commit: str
    good_commit: str
    good_path: str
    summary: str


@dataclass(frozen=True, slots=True)
class Repair:
    """How a file can be made to compile.

    `text` is the mended text (newlines as `\\n`). `confidence` is the estimated probability that this is the change a
    person would make. `alternatives` describes the rivals that were found. `origin` is set where history names the
    commit that broke the file, whether or not the repair came from there.
    """

    text: str
    sites: tuple[Site, ...]
    safety: Safety
    confidence: float
    evidence: tuple[str, ...]
    alternatives: tuple[str, ...] = ()
    origin: Origin | None = None
