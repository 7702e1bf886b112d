"""Where the compiler gives up for the amount of nesting rather than for what is written."""

from __future__ import annotations

from sophia_cli.fixers.syntax.model import SyntaxFault

_LIMIT_MESSAGES = (
    "too many nested parentheses",
    "too many statically nested blocks",
    "too many levels of indentation",
    "too many nested f-strings",
    "parser stack overflow",
    "recursion depth exceeded",
)
_LIMIT_TYPES = frozenset({"RecursionError", "MemoryError", "OverflowError"})


def is_too_deep(fault: SyntaxFault) -> bool:
    """Return whether the compiler gave up for the amount of nesting, not for what is written."""
    return fault.type in _LIMIT_TYPES or any(words in fault.message for words in _LIMIT_MESSAGES)
