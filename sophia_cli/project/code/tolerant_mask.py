"""A text with its strings and comments covered up, so that what is left can be read line by line though it is broken.

Linear in the length of any text, and never fails.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from sophia_cli.core.values import dataclass

COVER = "\x01"
"""Stands for a character of a string."""
JOIN = "\x02"
"""Stands for what ends no statement: a line end inside a string, a backslash and the line end behind it."""

_MARK = re.compile(r"""["'#]|\\\n""")
_SINGLE = {
    "'": re.compile(r"'[^'\\\n]*(?:\\.[^'\\\n]*)*'", re.DOTALL),
    '"': re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"', re.DOTALL),
}
_NOT_LINE_END = re.compile(r"[^\n]")
_BEFORE_OPENER = re.compile(r"[ \t]*[rRbBfFuU]{0,2}")
_ASSIGNED = re.compile(r"[ \t]*\w+[ \t]*=[ \t]*[rRbBfFuU]{0,2}")
_HEADER = re.compile(r"([ \t]*)[^ \t\n][^\n]*:[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text of the same length as the one it was made of; `doubtful` are ranges of it, apart and in order, in which a
    string was not closed, so that what looks like code may be a string."""

    text: str
    doubtful: tuple[tuple[int, int], ...]

    def is_doubtful(self, position: int) -> bool:
        """Whether a position lies in a doubtful range."""
        index = bisect_right(self.doubtful, (position, len(self.text))) - 1
        return index >= 0 and position < self.doubtful[index][1]


def masked(text: str) -> Masked:
    """Return the text with comments blanked and strings covered; an open string costs its own line only."""
    pieces: list[str] = []
    doubtful: list[tuple[int, int]] = []
    unclosed: set[str] = set()
    position = 0
    while (mark := _MARK.search(text, position)) is not None:
        start = mark.start()
        pieces.append(text[position:start])
        quote = text[start]
        if quote == "#":
            position = _line_end(text, start)
            pieces.append(" " * (position - start))
        elif quote == "\\":
            position = mark.end()
            pieces.append(JOIN * 2)
        elif text.startswith(quote * 3, start):
            position = -1 if quote in unclosed else _triple_end(text, start, quote * 3)
            if position < 0:
                unclosed.add(quote)
                doubtful.append((start, len(text)))
            elif _opens(text, start, position):
                doubtful.append((start, position))
                position = -1
            if position < 0:
                position = _line_end(text, start)
            pieces.append(_covered(text[start:position]))
        else:
            closed = _SINGLE[quote].match(text, start)
            position = closed.end() if closed is not None else _line_end(text, start)
            pieces.append(_covered(text[start:position]))
    pieces.append(text[position:])
    return Masked("".join(pieces), _merged(doubtful))


def _merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in ranges:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _triple_end(text: str, start: int, quotes: str) -> int:
    """Return where the triple-quoted string that begins at `start` ends, -1 when it does not."""
    at = text.find(quotes, start + 3)
    while at >= 0:
        before = at
        while before > start + 3 and text[before - 1] == "\\":
            before -= 1
        if (at - before) % 2 == 0:
            return at + 3
        at = text.find(quotes, at + 1)
    return -1


def _opens(text: str, start: int, end: int) -> bool:
    """Whether the quotes that end a string of several lines rather open one.

    They do behind `name =`; and where they begin a line, when prose follows or the line before begins a block.
    """
    line = text.rfind("\n", start, end) + 1
    if not line:
        return False
    if _ASSIGNED.fullmatch(text, line, end - 3):
        return True
    if not _BEFORE_OPENER.fullmatch(text, line, end - 3):
        return False
    if end < len(text) and (text[end].isalnum() or text[end] == "_"):
        return True
    before = text.rfind("\n", start, line - 1) + 1
    header = _HEADER.fullmatch(text, before, line) if before else None
    return header is not None and text.startswith(header.group(1) + " ", line)


def _covered(literal: str) -> str:
    if "\n" not in literal:
        return COVER * len(literal)
    return _NOT_LINE_END.sub(COVER, literal).replace("\n", JOIN)
