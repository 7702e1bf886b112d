"""Line hunks of a unified diff, made from known edits: linear in the file, whatever its size."""

from __future__ import annotations

import re
from enum import Enum

from sophia_cli.core.findings import Edit
from sophia_cli.core.plan import ChangedFile, splice
from sophia_cli.core.values import dataclass

CONTEXT = 3
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class Mark(Enum):
    """What happens to a line."""

    KEPT = " "
    REMOVED = "-"
    ADDED = "+"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a hunk with its ending; `data` is empty of an ending only at the end of a file."""

    mark: Mark
    data: bytes


@dataclass(frozen=True, slots=True)
class Hunk:
    """One run of changed lines with its context; starts are counted from 1 (0 for an empty side)."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """Old lines [start, end) become `replacement`."""

    start: int
    end: int
    replacement: tuple[bytes, ...]


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines with their endings; as in every diff a line ends with `\\n` and nothing else."""
    return _LINE.findall(data)


def hunks_of(change: ChangedFile, context: int = CONTEXT) -> tuple[Hunk, ...]:
    """Return the hunks that lead from `change.before` to `change.after`."""
    lines = split_lines(change.before)
    blocks = _blocks(change, lines)
    hunks: list[Hunk] = []
    shift = 0
    group: list[_Block] = []
    for block in blocks:
        if group and block.start - group[-1].end > 2 * context:
            hunks.append(_hunk(lines, group, shift, context))
            shift += sum(len(b.replacement) - (b.end - b.start) for b in group)
            group = []
        group.append(block)
    if group:
        hunks.append(_hunk(lines, group, shift, context))
    return tuple(hunks)


def line_counts(change: ChangedFile) -> tuple[int, int]:
    """Return how many lines the change adds and removes."""
    blocks = _blocks(change, split_lines(change.before))
    return sum(len(b.replacement) for b in blocks), sum(b.end - b.start for b in blocks)


def _blocks(change: ChangedFile, lines: list[bytes]) -> list[_Block]:
    """Return the edits widened to whole lines; edits that share a line become one block."""
    starts = [0]
    for text in lines:
        starts.append(starts[-1] + len(text))
    blocks: list[_Block] = []
    pending = sorted(change.edits, key=lambda e: (e.start, e.end))
    index = line = 0
    while index < len(pending):
        while line + 1 < len(starts) and starts[line + 1] <= pending[index].start:
            line += 1
        if line == len(lines) and lines and not lines[-1].endswith(b"\n"):
            line -= 1
        first = last = line
        taken: list[Edit] = []
        new = b""
        while True:
            while index < len(pending) and (not taken or pending[index].start <= starts[last]):
                edit = pending[index]
                taken.append(edit)
                while last < len(lines) and (starts[last] < edit.end or starts[last] <= edit.start):
                    last += 1
                index += 1
            moved = [Edit(e.path, e.start - starts[first], e.end - starts[first], e.replacement) for e in taken]
            new = splice(change.before[starts[first] : starts[last]], moved)
            if last == len(lines) or not new or new.endswith(b"\n"):
                break
            last += 1
        block = _trimmed(first, lines[first:last], split_lines(new))
        if block is not None:
            blocks.append(block)
        line = last
    return blocks


def _trimmed(start: int, old: list[bytes], new: list[bytes]) -> _Block | None:
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    if head == len(old) == len(new):
        return None
    return _Block(start + head, start + len(old) - tail, tuple(new[head : len(new) - tail]))


def _hunk(lines: list[bytes], blocks: list[_Block], shift: int, context: int) -> Hunk:
    first = max(0, blocks[0].start - context)
    last = min(len(lines), blocks[-1].end + context)
    result: list[DiffLine] = []
    position = first
    for block in blocks:
        result += [DiffLine(Mark.KEPT, line) for line in lines[position : block.start]]
        result += [DiffLine(Mark.REMOVED, line) for line in lines[block.start : block.end]]
        result += [DiffLine(Mark.ADDED, line) for line in block.replacement]
        position = block.end
    result += [DiffLine(Mark.KEPT, line) for line in lines[position:last]]
    old_count = last - first
    new_count = old_count + sum(len(b.replacement) - (b.end - b.start) for b in blocks)
    new_first = first + shift
    return Hunk(
        old_start=first + 1 if old_count else first,
        old_count=old_count,
        new_start=new_first + 1 if new_count else new_first,
        new_count=new_count,
        lines=tuple(result),
    )
