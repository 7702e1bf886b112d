"""Windows: the smallest stretch of lines that shows the same fault when compiled alone, so that a try costs little."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_DEFINITION = re.compile(r"[ \t]*(?:(?:async[ \t]+)?def|class)\b|[ \t]*@\w")
_CONTINUES = re.compile(r"[ \t]*(?:else|elif|except|finally|case)\b")
_NESTED = ("if 1:",)
_STATEMENTS = (4, 14)  # more in each larger view, above and below the fault
_TOP = re.compile(r"(?:def|class|async|if|for|while|with|try|import|from)\b|@")


@dataclass(frozen=True, slots=True)
class Window:
    """Lines [first, last) of a text, and the headers of our own under which they compile when they are indented."""

    first: int
    last: int
    headers: tuple[str, ...] = ()

    @property
    def nested(self) -> bool:
        """Whether the lines are indented in the text."""
        return bool(self.headers)

    def text(self, lines: list[str]) -> str:
        """Return what is compiled for these lines; `lines` are the window's own, changed or not."""
        return "\n".join((*self.headers, *lines, ""))

    def line_of(self, line: int) -> int:
        """Return the line of the whole text, from 1, for a line of the compiled text, from 1."""
        return line + self.first - len(self.headers)


def windows_around(lines: list[str], line: int) -> Iterator[Window]:
    """Yield ever larger windows around a line, the whole text last."""
    whole = Window(0, len(lines))
    last = whole
    if len(lines) > 30:
        for window in (_definitions(lines, line, 1), _top_level(lines, line)):
            if window is not None and window != last and window.last - window.first < 0.85 * len(lines):
                last = window
                yield window
    yield whole


def continues(line: str) -> bool:
    """Whether a line goes on with a statement further up, as `else` does."""
    return _CONTINUES.match(line) is not None


def views(site: Site) -> Iterator[Window]:
    """Yield ever larger stretches around the fault, under headers for the blocks that they stand in.

    None is more than half of the site's own window. They are too narrow to propose changes by, but what is still
    broken in them is broken in the whole.
    """
    if site.group == "triple":
        return
    first, last = site.line, site.statement_end(site.line)
    for count in _STATEMENTS:
        for _ in range(count):
            index = site.previous_code(first)
            first = first if index is None else index
            last = site.statement_end(last) if last < site.last else last
        if 2 * (last - first) > site.last - site.first:
            return
        yield Window(first, last, _headers(site, first))


def tail_view(site: Site) -> Window | None:
    """Return what stands from a few statements above the fault to the end of the site's window, under headers.

    Changes in it are judged by it as by the window: nothing behind them is missing. None when it saves little.
    """
    first = site.line
    for _ in range(sum(_STATEMENTS)):
        index = site.previous_code(first)
        first = first if index is None else index
    if 3 * (first - site.first) < site.last - site.first:
        return None
    return Window(first, site.last, _headers(site, first))


def _headers(site: Site, index: int) -> tuple[str, ...]:
    """Return headers, outermost first, under which the statement at `index` has the indentation that it has."""
    headers: list[str] = []
    width = width_of(site.lines[index])
    while width > 0:
        above = site.previous_code(index)
        if above is None:
            headers.append("if 1:")
            break
        index = above
        line = site.lines[index]
        if (own := width_of(line)) < width:
            width = own
            indent, word = indent_of(line), line.split(None, 1)[0].rstrip(":")
            if word in ("try", "except", "finally"):
                headers += [indent + "try:"] if word == "try" else [indent + "except:", indent + "try: pass"]
            else:
                headers.append(indent + "if 1:")
    return tuple(reversed(headers))


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
    return Window(first, end, _NESTED if width > 0 else ())


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
    return Window(first, last)
