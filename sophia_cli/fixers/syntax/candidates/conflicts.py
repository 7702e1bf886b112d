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
    """Whether the text holds a whole conflict: then nothing else is worth a try before it is resolved."""
    return _first(site.lines) is not None


def propose(site: Site) -> Iterator[Change]:
    """Yield the resolutions of the conflict nearest to the fault."""
    found = _first(site.lines)
    if found is None:
        yield from _stray(site)
        return
    start, base, middle, end = found
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


def _first(lines: list[str]) -> tuple[int, int | None, int, int] | None:
    """The first whole conflict: the lines of its start, base, middle and end markers."""
    start = base = middle = None
    for index, line in enumerate(lines):
        if line[:1] not in "<=>|" and not line.lstrip().startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
            continue
        if _START.match(line):
            start, base, middle = index, None, None
        elif start is not None and middle is None and _BASE.match(line):
            base = index
        elif start is not None and middle is None and _MIDDLE.match(line):
            middle = index
        elif start is not None and middle is not None and _END.match(line):
            return start, base, middle, index
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
