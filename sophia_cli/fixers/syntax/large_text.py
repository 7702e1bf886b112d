"""Compiling large files in pieces: CPython takes quadratic time over thousands of equal functions, and much memory."""

from __future__ import annotations

import re
from collections.abc import Callable

from sophia_cli.core.patterns import late_pattern
from sophia_cli.fixers.syntax.model import SyntaxFault, moved_down

LARGE = 400_000
"""Characters from which a file is compiled in pieces."""

_PIECE = 6_000
_WHOLE = 1_000_000  # characters; a text that is longer is never compiled at once
_MOST = 100_000  # characters after which a fault is no longer taken for one of where the piece ends
_ENDS = 6  # places nearby where a piece may end instead
_LINES_AT_END = 40
_BOUNDARY = late_pattern(r"(?<=\n)(?!(?:else|elif|except|finally|case)\b)[A-Za-z_@]")
_REACHES_ACROSS = late_pattern(r"^[ \t]*from[ \t]+__future__[ \t]+import\b|^global\b", re.MULTILINE)


def first_fault(text: str, compile_fault: Callable[[str], SyntaxFault | None]) -> SyntaxFault | None:
    """Return what `compile_fault` says about `text`, the same for every text, in a time that grows with its length.

    The pieces end before a statement at the left margin. When each compiles by itself, the whole does, unless a
    `from __future__` or a `global` of the module speaks of what stands in another piece. When one does not (also since
    a piece ended inside a string), the whole is asked; of a text of which that would take hundreds of megabytes, ever
    more of what follows the piece.
    """
    if len(text) < LARGE:
        return compile_fault(text)
    if _REACHES_ACROSS.search(text, _PIECE):
        return compile_fault(text)
    start = 0
    while start < len(text):
        end = _boundary(text, start + _PIECE)
        if compile_fault(text[start:end]) is not None:
            if len(text) <= _WHOLE:
                return compile_fault(text)
            fault, end = _settled(text, start, end, compile_fault)
            if fault is not None:
                return moved_down(fault, text.count("\n", 0, start))
        start = end
    return None


def _settled(
    text: str, start: int, end: int, compile_fault: Callable[[str], SyntaxFault | None]
) -> tuple[SyntaxFault | None, int]:
    """Return the fault of a part that does not come from where the part ends, None with the end of one without."""
    length = end - start
    while True:
        stayed: list[SyntaxFault] = []
        for _ in range(_ENDS):
            fault = compile_fault(text[start:end])
            if fault is None or end == len(text) or not _is_of_the_end(text, start, end, fault):
                return fault, end
            stayed.append(fault)
            end = _boundary(text, end + 1)
        if length > _MOST:
            return min(stayed, key=lambda fault: fault.line), end
        length *= 4
        end = _boundary(text, start + length)


def _is_of_the_end(text: str, start: int, end: int, fault: SyntaxFault) -> bool:
    if "unterminated" in fault.message or "never closed" in fault.message:
        return True
    return text.count("\n", start, end) - fault.line < _LINES_AT_END


def _boundary(text: str, position: int) -> int:
    """Return where the first statement at the left margin behind `position` begins, decorators included."""
    while match := _BOUNDARY.search(text, position):
        before = text.rfind("\n", 0, match.start() - 1) + 1
        if not text.startswith("@", before):
            return match.start()
        position = match.end()
    return len(text)
