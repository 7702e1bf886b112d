"""Brackets that were closed before their content: `names = []`, and indented below it what belongs into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_EMPTY = re.compile(r"(.*[\w=:(\[{,]\s*)(\(\)|\[\]|\{\})\s*,?\s*$")
# What could be a statement that only stands too far in is no item.
_ITEM = re.compile(r".*,\s*(?:#.*)?$")
_ENTRY = re.compile(r"\s*(?:[\"'][^\"']*[\"']\s*:|\*\*)")
_ARGUMENT = re.compile(r"\s*\w+=(?!=)")
_LONGEST = 200  # lines that the brackets take in


def propose(site: Site) -> Iterator[Change]:
    """Yield the bracket that closes behind the items below it."""
    above = site.previous_code(site.line)
    if site.group != "indent" or above is None:
        return
    last = site.statement_end(above) - 1
    lines = site.lines[: last + _LONGEST]
    if not _is_emptied(lines, last):
        return
    rows, end = _filled(lines, last, "")
    yield Change(
        last, end, tuple(rows), Op.CLOSE_BRACKET, Kind.BRACKET, "close the bracket behind its items", detail="emptied"
    )


def _is_emptied(lines: Sequence[str], at: int) -> bool:
    """Whether a line ends with empty brackets and what stands below it, further in, reads as their content."""
    match = _EMPTY.match(lines[at])
    below = _below(lines, at)
    if match is None or below is None or width_of(lines[below]) <= width_of(lines[at]):
        return False
    if _ITEM.match(lines[below]):
        return True
    if match.group(2) == "()":
        return _ARGUMENT.match(lines[below]) is not None and _is_emptied(lines, below)
    return match.group(2) == "{}" and _ENTRY.match(lines[below]) is not None


def _below(lines: Sequence[str], at: int) -> int | None:
    return next((i for i in range(at + 1, len(lines)) if is_code(lines[i])), None)


def _filled(lines: Sequence[str], at: int, comma: str) -> tuple[list[str], int]:
    """The lines from the one with empty brackets on, the items between these; and the line behind them."""
    match = _EMPTY.match(lines[at])
    assert match is not None
    head, pair = match.group(1), match.group(2)
    width = width_of(lines[at])
    rows = [head + pair[0]]
    index = end = at + 1
    kept = 1
    while index < len(lines) and not (is_code(lines[index]) and width_of(lines[index]) <= width):
        if is_code(lines[index]) and _is_emptied(lines, index):
            inner, stop = _filled(lines, index, ",")
            rows.extend(inner)
            index = stop
        else:
            rows.append(lines[index])
            index += 1
        if is_code(lines[index - 1]):
            end, kept = index, len(rows)
    closes = index < len(lines) and width_of(lines[index]) == width and lines[index].lstrip().startswith(pair[1])
    return [*rows[:kept], *([] if closes else [indent_of(lines[at]) + pair[1] + comma])], end
