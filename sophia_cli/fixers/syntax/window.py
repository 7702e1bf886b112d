"""Windows: the smallest stretch of lines that shows the same fault when compiled alone, so that a try costs little."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.compiler import is_late
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_DEFINITION = re.compile(r"[ \t]*(?:(?:async[ \t]+)?def|class)\b|[ \t]*@\w")
_CONTINUES = re.compile(r"[ \t]*(?:else|elif|except|finally|case)\b")
_NESTED = ("if 1:",)
_VIEWS = ((0, 1), (1, 2), (4, 4), (18, 18))  # statements above and below the fault in each larger view
_TAILS = (4, 18)  # statements above the fault
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

    None is more than two thirds of the site's own window. They are too narrow to propose changes by, but what is still
    broken in them is broken in the whole.
    """
    if site.group == "triple" or is_late(site.fault):
        return
    firsts = _firsts(site, [above for above, _ in _VIEWS])
    last = site.statement_end(site.line)
    count = 0
    for first, (_, below) in zip(firsts, _VIEWS, strict=True):
        while count < below and (index := site.next_code(last)) is not None and index < site.last:
            last = site.statement_end(index)
            count += 1
        if 3 * (last - first) > 2 * (site.last - site.first):
            return
        yield Window(first, last, _headers(site, first))


def tail_views(site: Site) -> Iterator[Window]:
    """Yield what stands from some statements above the fault to the end of the site's window, under headers.

    Changes in them are judged by them as by the window: nothing behind them is missing. Those are left out that save
    little.
    """
    if is_late(site.fault):
        return
    for first in _firsts(site, _TAILS):
        if 4 * (first - site.first) < site.last - site.first:
            return
        yield Window(first, site.last, _headers(site, first))


def _firsts(site: Site, counts: Sequence[int]) -> list[int]:
    """Return the lines at which so many statements begin before the fault's line."""
    starts: list[int] = []
    index: int | None = site.line if site.starts_statement(site.line) else site.previous_code(site.line)
    while index is not None and len(starts) <= counts[-1]:
        if not continues(site.lines[index]):
            starts.append(index)
        index = site.previous_code(index)
    return [starts[min(count, len(starts) - 1)] if starts else site.first for count in counts]


def _headers(site: Site, first: int) -> tuple[str, ...]:
    """Return headers, outermost first, under which the statement at `first` has the indentation that it has.

    The last of them stands for what there is above the statement in its own block.
    """
    lines = site.lines
    indent, width = indent_of(lines[first]), width_of(lines[first])
    headers: list[str] = []
    index = first
    while width > 0:
        above = site.previous_code(index)
        if above is None:
            headers.append("if 1:")
            break
        index, line = above, lines[above]
        own = width_of(line)
        if own < width:
            width = own
            indent, word = indent_of(line), line.split(None, 1)[0].rstrip(":")
            if word == "case":
                headers.append(indent + "case 1:")
            elif headers and headers[-1].endswith("case 1:"):
                headers.append(indent + "match 1:")
            elif word in ("try", "except", "finally"):
                headers += [indent + "try:"] if word == "try" else [indent + "except:", indent + "try: pass"]
            else:
                headers.append(indent + "if 1:")
        elif own == width and not headers:
            headers.append(indent + "pass")
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
