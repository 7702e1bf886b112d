"""Edits on top of edits, kept as edits over the original: so that each fix can be left out again by itself."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from sophia_cli.core.findings import Edit
from sophia_cli.core.values import dataclass

_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class OwnedEdit:
    """An edit over the original bytes, and the numbers of the fixes that made it what it is."""

    start: int
    end: int
    replacement: bytes
    owners: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Placed:
    """An owned edit and where its replacement begins in the current text."""

    edit: OwnedEdit
    position: int

    @property
    def end(self) -> int:
        return self.position + len(self.edit.replacement)


def compose(owned: Sequence[OwnedEdit], edits: Iterable[tuple[Edit, int]]) -> tuple[OwnedEdit, ...]:
    """Return `owned` with further edits made, given in the coordinates of the current text with their owner each.

    Edits that touch the text of an earlier edit merge with it and then have both owners. The further edits must not
    overlap one another (ValueError).
    """
    ordered = sorted(edits, key=lambda pair: (pair[0].start, pair[0].end))
    for (one, _), (other, _) in pairwise(ordered):
        if other.start < one.end:
            raise ValueError(f"edits overlap at byte {other.start}")
    if not owned:
        return tuple(OwnedEdit(edit.start, edit.end, edit.replacement, frozenset({owner})) for edit, owner in ordered)
    result = sorted(owned, key=lambda e: (e.start, e.end))
    for edit, owner in reversed(ordered):
        result = _with_edit(result, edit, owner)
    return tuple(result)


def original_offset(owned: Sequence[OwnedEdit], offset: int) -> int:
    """Return where a byte of the current text came from; text that an edit made maps to where the edit starts."""
    shift = 0
    for placed in _place(owned):
        if offset < placed.position:
            break
        if offset < placed.end:
            return placed.edit.start
        shift = placed.edit.end - placed.end
    return offset + shift


class LineMap:
    """Maps lines (from 1) of a text after edits to the lines of the text before them."""

    def __init__(self, before: bytes, after: bytes, owned: Sequence[OwnedEdit]) -> None:
        self._old_starts = _line_starts(before)
        self._new_starts = _line_starts(after)
        self._placed = _place(owned)
        self._positions = [placed.position for placed in self._placed]

    def before(self, line: int) -> int:
        """Return the old line that a line comes from.

        The lines of a replacement count through the lines that it replaced, the surplus as the last of these.
        """
        index = min(max(line, 1), len(self._new_starts)) - 1
        offset = self._new_starts[index]
        at = bisect_right(self._positions, offset) - 1
        if at < 0:
            return bisect_right(self._old_starts, offset)
        placed = self._placed[at]
        if offset >= placed.end:
            return bisect_right(self._old_starts, offset + placed.edit.end - placed.end)
        first = bisect_right(self._old_starts, placed.edit.start)
        last = bisect_right(self._old_starts, max(placed.edit.start, placed.edit.end - 1))
        return min(first + index + 1 - bisect_right(self._new_starts, placed.position), last)


def _with_edit(owned: list[OwnedEdit], edit: Edit, owner: int) -> list[OwnedEdit]:
    placed = _place(owned)
    touched = [p for p in placed if edit.start <= p.end and edit.end >= p.position]
    first = placed.index(touched[0]) if touched else sum(p.position < edit.start for p in placed)
    shift = placed[first - 1].edit.end - placed[first - 1].end if first else 0
    if not touched:
        made = OwnedEdit(edit.start + shift, edit.end + shift, edit.replacement, frozenset({owner}))
        return [*owned[:first], made, *owned[first:]]
    last = first + len(touched) - 1
    start = min(edit.start, touched[0].position)
    end = max(edit.end, touched[-1].end)
    replacement = b""
    if start < edit.start:
        replacement += touched[0].edit.replacement[: edit.start - start]
    replacement += edit.replacement
    if end > edit.end:
        replacement += touched[-1].edit.replacement[len(touched[-1].edit.replacement) - (end - edit.end) :]
    owners = frozenset({owner}).union(*(p.edit.owners for p in touched))
    shift_after = touched[-1].edit.end - touched[-1].end
    merged = OwnedEdit(start + shift, end + shift_after, replacement, owners)
    return [*owned[:first], merged, *owned[last + 1 :]]


def _place(owned: Sequence[OwnedEdit]) -> list[_Placed]:
    placed: list[_Placed] = []
    shift = 0
    for edit in owned:
        placed.append(_Placed(edit, edit.start + shift))
        shift += len(edit.replacement) - (edit.end - edit.start)
    return placed


def _line_starts(data: bytes) -> list[int]:
    starts = [0]
    starts += [match.end() for match in _LINE_END.finditer(data)]
    if len(starts) > 1 and starts[-1] == len(data):
        starts.pop()
    return starts
