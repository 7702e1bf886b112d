"""Windows: the smallest stretch of lines that shows the same fault when compiled alone, so that a try costs little."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sophia_cli.fixers.syntax.site import is_code, width_of

_DEFINITION = re.compile(r"[ \t]*(?:(?:async[ \t]+)?def|class)\b|[ \t]*@\w")
_TOP = re.compile(r"(?:def|class|async|if|for|while|with|try|import|from)\b|@")


@dataclass(frozen=True, slots=True)
class Window:
    """Lines [first, last) of a text; `nested` when they are indented and compile under a header of our own."""

    first: int
    last: int
    nested: bool

    def text(self, lines: list[str]) -> str:
        """Return what is compiled for these lines; `lines` are the window's own, changed or not."""
        body = "\n".join(lines) + "\n"
        return "if 1:\n" + body if self.nested else body

    def line_of(self, line: int) -> int:
        """Return the line of the whole text, from 1, for a line of the compiled text, from 1."""
        return line + self.first - (1 if self.nested else 0)


def windows_around(lines: list[str], line: int) -> Iterator[Window]:
    """Yield ever larger windows around a line, the whole text last."""
    whole = Window(0, len(lines), False)
    last = whole
    if len(lines) > 30:
        for window in (_definitions(lines, line, 1), _top_level(lines, line)):
            if window is not None and window != last and window.last - window.first < 0.85 * len(lines):
                last = window
                yield window
    yield whole


def _definitions(lines: list[str], line: int, reach: int) -> Window | None:
    """From the `reach`-th definition above the line to the one that many below, none of them further in."""
    first = line
    found = 0
    width: int | None = None
    for index in range(line, -1, -1):
        if _DEFINITION.match(lines[index]) and (width is None or width_of(lines[index]) <= width):
            while index > 0 and lines[index - 1].lstrip().startswith("@"):
                index -= 1
            first, width = index, width_of(lines[index])
            found += 1
            if found > reach and index < line:
                break
    if width is None:
        return None
    end = len(lines)
    found = 0
    for index in range(line + 1, len(lines)):
        text = lines[index]
        if is_code(text) and width_of(text) <= width and (_DEFINITION.match(text) or width_of(text) < width):
            if lines[index - 1].lstrip().startswith("@"):
                continue
            found += 1
            if found > reach or width_of(text) < width:
                end = index
                break
    return Window(first, end, width > 0)


def _top_level(lines: list[str], line: int) -> Window:
    """From two top-level statements above the line to two below."""
    first, found = 0, 0
    for index in range(line, -1, -1):
        if _TOP.match(lines[index]) and not (index > 0 and lines[index - 1].startswith("@")):
            found += 1
            if found > 2:
                first = index
                break
    last, found = len(lines), 0
    for index in range(line + 1, len(lines)):
        if _TOP.match(lines[index]) and not lines[index - 1].startswith("@"):
            found += 1
            if found > 2:
                last = index
                break
    return Window(first, last, False)
