"""Compiling large files in pieces: CPython takes quadratic time over thousands of equal functions, and much memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sophia_cli.fixers.syntax.model import SyntaxFault

LARGE = 400_000
"""Characters from which a file is compiled in pieces."""

_PIECE = 6_000
_BOUNDARY = re.compile(r"(?<=\n)(?!(?:else|elif|except|finally|case)\b)[A-Za-z_@]")
_REACHES_ACROSS = re.compile(r"^[ \t]*from[ \t]+__future__[ \t]+import\b|^global\b", re.MULTILINE)


def first_fault(text: str, compile_fault: Callable[[str], SyntaxFault | None]) -> SyntaxFault | None:
    """Return what `compile_fault` says about `text`, the same for every text, in a time that grows with its length.

    The pieces end before a statement at the left margin. When each compiles by itself, the whole does, unless a
    `from __future__` or a `global` of the module speaks of what stands in another piece. When one does not (also since
    a piece ended inside a string), the whole is asked.
    """
    if len(text) < LARGE:
        return compile_fault(text)
    if _REACHES_ACROSS.search(text, _PIECE):
        return compile_fault(text)
    if any(compile_fault(piece) is not None for piece in _pieces(text)):
        return compile_fault(text)
    return None


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = _boundary(text, start + _PIECE)
        yield text[start:end]
        start = end


def _boundary(text: str, position: int) -> int:
    """Return where the first statement at the left margin behind `position` begins, decorators included."""
    while match := _BOUNDARY.search(text, position):
        before = text.rfind("\n", 0, match.start() - 1) + 1
        if not text.startswith("@", before):
            return match.start()
        position = match.end()
    return len(text)
