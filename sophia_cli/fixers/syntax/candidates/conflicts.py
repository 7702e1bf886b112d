"""Merge conflict markers: ours, theirs, both, or neither."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_START = re.compile(r"\s*<{7}(?: |$)")
_BASE = re.compile(r"\s*\|{7}(?: |$)")
_MIDDLE = re.compile(r"\s*={7}\s*$")
_END = re.compile(r"\s*>{7}(?: |$)")


def near(site: Site) -> bool:
    """Whether a whole conflict stands at the fault or close before it: then nothing else is worth a try."""
    start = next((i for i in range(site.line, max(-1, site.line - 60), -1) if _START.match(site.lines[i])), None)
    if start is None:
        return any(_START.match(line) for line in site.lines[site.line : site.line + 4])
    rest = site.lines[start + 1 :]
    middle = next((i for i, line in enumerate(rest) if _MIDDLE.match(line)), None)
    return middle is not None and any(_END.match(line) for line in rest[middle:])


def propose(site: Site) -> Iterator[Change]:
    """Yield the resolutions of the conflict nearest to the fault."""
    start = _nearest(site, _START)
    if start is None:
        yield from _stray(site)
        return
    base = middle = end = None
    for index in range(start + 1, len(site.lines)):
        line = site.lines[index]
        if _BASE.match(line) and middle is None:
            base = index
        elif _MIDDLE.match(line) and middle is None:
            middle = index
        elif _END.match(line):
            end = index
            break
        elif _START.match(line):
            break
    if middle is None or end is None:
        yield from _stray(site)
        return
    ours = tuple(site.lines[start + 1 : base if base is not None else middle])
    theirs = tuple(site.lines[middle + 1 : end])
    empty = not any(line.strip() for line in ours) or not any(line.strip() for line in theirs)
    suffix = "-one-empty" if empty else ("-alike" if _alike(ours, theirs) else "")
    for lines, detail in (
        (ours, "ours"),
        (theirs, "theirs"),
        ((*ours, *theirs), "both"),
        ((*theirs, *ours), "both-swapped"),
        ((), "neither"),
    ):
        yield Change(
            start, end + 1, lines, Op.MERGE_CONFLICT, Kind.CONFLICT, f"resolve a merge conflict: keep {detail}",
            detail=detail + suffix,
        )  # fmt: skip


def _alike(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether both sides hold the same statements in other words: same first word on each line."""
    first = [line.split("(")[0].split("=")[0].strip().lower() for line in ours if line.strip()]
    second = [line.split("(")[0].split("=")[0].strip().lower() for line in theirs if line.strip()]
    return first == second


def _nearest(site: Site, pattern: re.Pattern[str]) -> int | None:
    for distance in range(len(site.lines)):
        for index in (site.line - distance, site.line + distance):
            if 0 <= index < len(site.lines) and pattern.match(site.lines[index]):
                return index
        if distance > 400:
            break
    return None


def _stray(site: Site) -> Iterator[Change]:
    for index in (site.line, site.line - 1, site.line + 1):
        if 0 <= index < len(site.lines):
            line = site.lines[index]
            if any(p.match(line) for p in (_START, _BASE, _MIDDLE, _END)):
                yield Change(
                    index,
                    index + 1,
                    (),
                    Op.MERGE_CONFLICT,
                    Kind.CONFLICT,
                    "remove a stray conflict marker",
                    detail="stray",
                )
