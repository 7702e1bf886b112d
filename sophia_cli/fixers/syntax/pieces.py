"""Cutting a text into pieces that compile one by one, so that what stays the same is looked at once."""

from __future__ import annotations

import re
from collections.abc import Callable

_PIECE = re.compile(r"\n\n(?=[A-Za-z_@])(?!(?:else|elif|except|finally|case)\b)")
_SHORTEST = 300
_GLOBAL = re.compile(r"^[ \t]*+global\b", re.MULTILINE)


def pieces_of(text: str) -> list[str]:
    """Cut a text before statements at its margin that follow a blank line; one piece where all depends on all.

    When every piece compiles, the text does. A piece may begin inside a string, and does not compile then. The same
    stretch of two texts is cut the same way, but near its ends.
    """
    if "global" in text and binds_at_module(text):
        return [text]
    first = max(text.rfind("from __future__"), 0) + _SHORTEST
    starts = [0]
    for match in _PIECE.finditer(text, first):
        if match.end() - starts[-1] >= _SHORTEST:
            starts.append(match.end())
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def binds_at_module(text: str) -> bool:
    """Whether a `global` stands outside of all definitions, so that all depends on all."""
    return any(not _in_definition(text, match.start()) for match in _GLOBAL.finditer(text))


def apart(text: str, others: list[str], compiles: Callable[[str], bool]) -> tuple[int, int]:
    """Return how many characters at the begin and at the end of `text`, in whole pieces, the others have too.

    Nothing is said to be common where a piece does not compile alone.
    """
    pieces = pieces_of(text)
    if not all(map(compiles, pieces)):
        return 0, 0
    longest = min((len(text), *map(len, others)))
    head = tail = 0
    for piece in pieces:
        if head + len(piece) > longest or not all(other.startswith(piece, head) for other in others):
            break
        head += len(piece)
    for piece in reversed(pieces):
        if head + tail + len(piece) > longest:
            break
        if not all(_ends_with_line(other[: len(other) - tail], piece) for other in others):
            break
        tail += len(piece)
    return head, tail


def _ends_with_line(text: str, end: str) -> bool:
    """Whether a text ends with whole lines."""
    return text.endswith(end) and (len(text) == len(end) or text[-len(end) - 1] == "\n")


def _in_definition(text: str, position: int) -> bool:
    """Whether the nearest line at the margin at or above begins a function or class."""
    while position >= 0:
        start = text.rfind("\n", 0, position) + 1
        if text[start : start + 1].isalpha():
            return text.startswith(("def", "class", "async"), start)
        position = start - 1
    return False
