"""Comparing two versions of a file by lines, fast on long files: unique common lines anchor the comparison."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from sophia_cli.core.values import dataclass

# Between two anchors a full comparison is made up to this many pairs of lines; a larger gap counts as rewritten.
_FULL_COMPARISON = 250_000
_WORD_COMPARISON = 900
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Hunk:
    """One difference: lines [good_start, good_end) of the good version became [start, end) of the broken one."""

    good_start: int
    good_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Slot:
    """One line of a hunk: as it was in the good version, as it is in the broken one; None where there is none."""

    good: str | None
    broken: str | None


def hunks(good: Sequence[str], broken: Sequence[str]) -> tuple[Hunk, ...]:
    """Return the differences from `good` to `broken`, in order, with equal lines between any two."""
    found: list[Hunk] = []
    position, other = 0, 0
    for start, other_start, size in _blocks(good, broken):
        if start > position or other_start > other:
            found.append(Hunk(position, start, other, other_start))
        position, other = start + size, other_start + size
    if position < len(good) or other < len(broken):
        found.append(Hunk(position, len(good), other, len(broken)))
    return tuple(found)


def slots(good: Sequence[str], broken: Sequence[str]) -> tuple[Slot, ...]:
    """Return the lines of one hunk side by side.

    Lines that differ only in indentation or a comment sign stand beside each other; so do, between those, the first
    lines of either side.
    """
    if len(good) * len(broken) > _FULL_COMPARISON:
        return (*(Slot(line, None) for line in good), *(Slot(None, line) for line in broken))
    matcher = SequenceMatcher(None, [_core(line) for line in good], [_core(line) for line in broken], autojunk=False)
    result: list[Slot] = []
    for _, start, end, other, other_end in matcher.get_opcodes():
        result += _side_by_side(good[start:end], broken[other:other_end])
    return tuple(result)


def _side_by_side(good: Sequence[str], broken: Sequence[str]) -> list[Slot]:
    """Return two runs of lines aligned so that the lines beside each other share as many words as possible."""
    if len(good) * len(broken) > _WORD_COMPARISON or good == broken:
        paired = min(len(good), len(broken))
        rest = [*(Slot(line, None) for line in good[paired:]), *(Slot(None, line) for line in broken[paired:])]
        return [*(Slot(a, b) for a, b in zip(good, broken, strict=False)), *rest]
    words = [Counter(_WORD.findall(line)) for line in good]
    other_words = [Counter(_WORD.findall(line)) for line in broken]
    best = [[0.0] * (len(broken) + 1) for _ in range(len(good) + 1)]
    for i in reversed(range(len(good))):
        for j in reversed(range(len(broken))):
            beside = _likeness(words[i], other_words[j]) + best[i + 1][j + 1]
            best[i][j] = max(beside, best[i + 1][j], best[i][j + 1])
    row: list[Slot] = []
    i = j = 0
    while i < len(good) or j < len(broken):
        if i < len(good) and j < len(broken) and best[i][j] == _likeness(words[i], other_words[j]) + best[i + 1][j + 1]:
            row.append(Slot(good[i], broken[j]))
            i, j = i + 1, j + 1
        elif i < len(good) and best[i][j] == best[i + 1][j]:
            row.append(Slot(good[i], None))
            i += 1
        else:
            row.append(Slot(None, broken[j]))
            j += 1
    return row


def _likeness(words: Counter[str], other: Counter[str]) -> float:
    # Lines that share nothing still stand better beside each other than apart.
    return 0.01 + 2 * (words & other).total() / max(1, words.total() + other.total())


def _core(line: str) -> str:
    return line.strip().lstrip("# ")


def _blocks(good: Sequence[str], broken: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield (start in good, start in broken, length) of runs of equal lines, in order."""
    stack = [(0, len(good), 0, len(broken))]
    while stack:
        low, high, other_low, other_high = stack.pop()
        head = 0
        while low + head < high and other_low + head < other_high and good[low + head] == broken[other_low + head]:
            head += 1
        if head:
            yield low, other_low, head
        low, other_low = low + head, other_low + head
        tail = 0
        while (
            high - tail > low
            and other_high - tail > other_low
            and good[high - tail - 1] == broken[other_high - tail - 1]
        ):
            tail += 1
        high, other_high = high - tail, other_high - tail
        # The stack gives back the last piece first, so pieces go on from the back to the front.
        if tail:
            stack.append((high, high + tail, other_high, other_high + tail))
        if low == high or other_low == other_high:
            continue
        anchors = _anchors(good, broken, low, high, other_low, other_high)
        if anchors:
            edges = [(low, other_low), *anchors, (high, other_high)]
            pieces = [(a, c, b, d) for (a, b), (c, d) in pairwise(edges)]
            stack.extend(reversed(pieces))
        elif (high - low) * (other_high - other_low) <= _FULL_COMPARISON:
            matcher = SequenceMatcher(None, good[low:high], broken[other_low:other_high], autojunk=False)
            for start, other, size in matcher.get_matching_blocks():
                if size:
                    yield low + start, other_low + other, size


def _anchors(
    good: Sequence[str], broken: Sequence[str], low: int, high: int, other_low: int, other_high: int
) -> list[tuple[int, int]]:
    """Return the longest run of lines that stand once on either side, in the same order on both (patience)."""
    here = Counter(good[low:high])
    there = Counter(broken[other_low:other_high])
    place = {broken[i]: i for i in range(other_low, other_high) if there[broken[i]] == 1}
    pairs = [(i, place[good[i]]) for i in range(low, high) if here[good[i]] == 1 and good[i] in place]
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, other) in enumerate(pairs):
        rank = bisect_left(ends, other)
        before.append(last[rank - 1] if rank else -1)
        if rank == len(ends):
            ends.append(other)
            last.append(index)
        else:
            ends[rank] = other
            last[rank] = index
    chain = []
    index = last[-1] if last else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]
