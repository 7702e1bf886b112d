"""`return`, `yield`, `break` and `continue` where they may not stand: the lines around belong into the block above."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_DEF = re.compile(r"(\s*)(async\s+)?def\s+\w+")
_CLASS = re.compile(r"\s*class\s")
_LOOP = re.compile(r"\s*(?:async\s+)?(?:for|while)\b")
_MOST_ENDS = 12  # where the run of lines may end, in statements behind the fault


def outside(site: Site) -> Iterator[Change]:
    """Yield the run of lines around the fault moved into the block above it, and other words for the one at fault."""
    yield from _after_block(site)
    index = site.line
    width = width_of(site.lines[index])
    first = index
    while first > 0:
        line = site.lines[first - 1]
        if is_code(line) and width_of(line) < width:
            break
        if _DEF.match(line) and width_of(line) <= width:
            break
        first -= 1
    while first < index and not is_code(site.lines[first]):
        first += 1
    above = site.previous_code(first)
    starts = [i for i in range(first, index + 1) if is_code(site.lines[i]) and width_of(site.lines[i]) == width]
    last = index + 1
    while last < len(site.lines):
        line = site.lines[last]
        if is_code(line) and (
            width_of(line) < width
            or (
                width_of(line) == width
                and (_DEF.match(line) or _CLASS.match(line) or line.startswith(("if __name__", "@")))
            )
        ):
            break
        last += 1
    while last > index + 1 and not site.lines[last - 1].strip():
        last -= 1
    for start in dict.fromkeys([*starts[::-1][:10], first]):
        before = site.previous_code(start)
        indents = {indent_of(site.lines[start]) + site.unit}
        if before is not None:
            indents.add(indent_of(site.lines[before]))
        for indent in indents:
            base = indent_of(site.lines[start])
            if indent == base:
                continue
            for stop in dict.fromkeys((index + 1, last)):
                rows = tuple(
                    indent + line[len(base) :] if line.strip() and line.startswith(base) else line
                    for line in site.lines[start:stop]
                )
                yield Change(
                    start,
                    stop,
                    rows,
                    Op.INDENT_RUN,
                    Kind.SCOPE,
                    "move the lines into the block above",
                    detail="outside",
                )
    if above is not None:
        word = site.lines[index].split()[0] if site.lines[index].split() else ""
        if word in ("break", "continue"):
            text = indent_of(site.lines[index]) + "pass"
            yield Change(
                index, index + 1, (text,), Op.REPLACE_TOKEN, Kind.SCOPE, f"`{word}` becomes `pass`", token="pass"
            )
            text = indent_of(site.lines[index]) + "return"
            yield Change(
                index, index + 1, (text,), Op.REPLACE_TOKEN, Kind.SCOPE, f"`{word}` becomes `return`", token="return"
            )


def _after_block(site: Site) -> Iterator[Change]:
    """The loop or function that the statement needs ended too early above, at an outer level: what follows it, up to
    the statement and some way on, goes back into it."""
    word = site.lines[site.line].split(None, 1)[0].rstrip(":;") if site.lines[site.line].split() else ""
    wanted = _LOOP if word in ("break", "continue") else _DEF
    top = _outermost(site)
    if top is None:
        return
    level = width_of(site.lines[top])
    above = site.previous_code(top)
    while above is not None and not (wanted.match(site.lines[above]) and width_of(site.lines[above]) <= level):
        if width_of(site.lines[above]) < level and not wanted.match(site.lines[above]):
            level = width_of(site.lines[above])
        above = site.previous_code(above)
    if above is None:
        return
    first = site.next_code(site.statement_end(above))
    if first is None or first >= site.line:
        return
    inner = width_of(site.lines[first])
    level = width_of(site.lines[above])
    if inner > level:
        # The block's own lines stay; it ends where the first line comes back to its level.
        while first is not None and first <= site.line and width_of(site.lines[first]) > level:
            first = site.next_code(site.statement_end(first))
    if first is None or first > site.line or width_of(site.lines[first]) != level:
        return
    if site.lines[first].startswith("if __name__"):
        return
    step = site.unit if inner <= level else " " * (inner - level)
    for end, detail in _ends(site, first, level):
        rows = tuple(
            step + line if line.strip() and index not in site.inside_string else line
            for index, line in enumerate(site.lines[first:end], first)
        )
        yield Change(first, end, rows, Op.INDENT_RUN, Kind.SCOPE, "move the lines into the block above", detail=detail)


def _outermost(site: Site) -> int | None:
    """The first line of the statement at the outermost level around the fault that is not a function's or class's."""
    index: int | None = site.line
    outer = index
    while index is not None:
        outer = index
        above = site.previous_code(index)
        while above is not None and width_of(site.lines[above]) >= width_of(site.lines[index]):
            above = site.previous_code(above)
        if above is None or _DEF.match(site.lines[above]) or _CLASS.match(site.lines[above]):
            break
        index = above
    return outer


def _ends(site: Site, first: int, level: int) -> Iterator[tuple[int, str]]:
    """Where the run that begins at `first` may end: at a definition, before a blank line, behind any statement."""
    seen: set[int] = set()
    count = 0
    index = site.next_code(site.statement_end(site.line))
    last = site.statement_end(site.line)
    while True:
        stop = index is None or width_of(site.lines[index]) < level
        here = len(site.lines) if index is None else index
        if not stop and width_of(site.lines[here]) > level:
            last = site.statement_end(here)
            index = site.next_code(last)
            continue
        definition = not stop and (
            _DEF.match(site.lines[here]) or _CLASS.match(site.lines[here])
            or site.lines[here].startswith(("if __name__", "@"))
        )  # fmt: skip
        blank = last < len(site.lines) and not site.lines[last].strip()
        detail = "outside-all" if stop or definition else "outside-blank" if blank else "outside-step"
        if last not in seen:
            seen.add(last)
            yield last, detail
        count += 1
        if stop or definition or count > _MOST_ENDS:
            return
        last = site.statement_end(here)
        index = site.next_code(last)
