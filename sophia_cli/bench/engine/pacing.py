"""When requests are due in an open loop."""

from __future__ import annotations

import math

from sophia_cli.core.values import dataclass

NEVER = 1 << 62
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """An open loop: the requests number `first`, `first + step`, ... of a stream of `rate` requests a second."""

    rate: float
    first: int = 0
    step: int = 1

    def due_ns(self, index: int) -> int:
        """Return when the index-th of them is due, in nanoseconds from the start: computed anew, so nothing adds up."""
        return int((self.first + index * self.step) * (_NS / self.rate))

    def count_before(self, span_ns: int) -> int:
        """Return how many of them are due in the first `span_ns` nanoseconds."""
        count = max(0, math.ceil((span_ns * self.rate / _NS - self.first) / self.step))
        while count and self.due_ns(count - 1) >= span_ns:
            count -= 1
        while self.due_ns(count) < span_ns:
            count += 1
        return count


class Schedule:
    """The requests of a pace from a moment on, handed out one by one. `due_ns` is when the next one is due."""

    __slots__ = ("_index", "_pace", "_start_ns", "due_ns")

    def __init__(self, pace: Pace, start_ns: int) -> None:
        self._pace = pace
        self.restart(start_ns)

    def restart(self, start_ns: int) -> None:
        """Begin anew at this moment; what was not handed out is forgotten."""
        self._start_ns = start_ns
        self._index = 0
        self.due_ns = start_ns + self._pace.due_ns(0)

    def take(self) -> int:
        """Return when the next request is due and go on to the one after it."""
        due = self.due_ns
        self._index += 1
        self.due_ns = self._start_ns + self._pace.due_ns(self._index)
        return due

    def drop_before(self, moment_ns: int, most: int | None) -> int:
        """Pass over those due before a moment, `most` of them at most, and return how many they are."""
        count = max(0, self._pace.count_before(moment_ns - self._start_ns) - self._index)
        dropped = count if most is None else min(count, most)
        self._index += dropped
        self.due_ns = self._start_ns + self._pace.due_ns(self._index)
        return dropped
