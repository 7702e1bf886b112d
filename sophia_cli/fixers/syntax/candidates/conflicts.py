"""Merge conflict markers: ours, theirs, both, or neither."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_START = re.compile(r"\s*<{7}(?: |$)")
_BASE = re.compile(r"\s*\|{7}(?: |$)")
_MIDDLE = re.compile(r"\s*={7}\s*$")
_END = re.compile(r"\s*>{7}(?: |$)")
_END_OF_BEGINNING = re.compile(r"[(=:,]")


def near(site: Site) -> bool:
    """Whether the text holds a whole conflict, or the fault is what is left of one: then nothing else is worth a try
    before that is resolved."""
    if _first(site.lines) is not None:
        return True
    line = site.lines[site.line] if site.line < len(site.lines) else ""
    return any(pattern.match(line) for pattern in (_START, _BASE, _END))


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
        (_union(ours, theirs), "union"),
        ((), "neither"),
    ):
        yield Change(
            start, end + 1, lines, Op.MERGE_CONFLICT, Kind.CONFLICT, f"resolve a merge conflict: keep {detail}",
            detail=detail + suffix,
        )  # fmt: skip


def _alike(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether both sides are versions of the same statements: half of their lines begin with the same words."""
    first, second = Counter(map(_beginning, ours)), Counter(map(_beginning, theirs))
    del first[""], second[""]
    return 2 * (first & second).total() >= max(1, min(first.total(), second.total()))


def _beginning(line: str) -> str:
    return _END_OF_BEGINNING.split(line, maxsplit=1)[0].strip().lower()


def _union(ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of both sides, those that both have once."""
    left = Counter(theirs)
    kept: list[str] = []
    rest = list(theirs)
    for line in ours:
        if left[line] > 0:
            at = rest.index(line)
            kept.extend((*rest[:at], line))
            left.subtract(rest[: at + 1])
            rest = rest[at + 1 :]
        else:
            kept.append(line)
    return (*kept, *rest)


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
