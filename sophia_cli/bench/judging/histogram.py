"""Latencies counted in buckets of logarithmic width: constant memory, mergeable, with a known error.

The buckets are those of HdrHistogram (Gil Tene, http://hdrhistogram.org): values below 2**10 nanoseconds have a bucket
of their own, and every power of two above is cut into 2**9 equal buckets. A bucket is therefore at most 1/512 of its
lower edge wide, and a percentile, which is reported as the middle of its bucket, is wrong by at most 1/1024 (0.098 %)
of the true order statistic. A value of b bits falls into bucket `(s << 9) + (value >> s)` with `s = b - 10`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from sophia_cli.core.values import dataclass

PRECISION_BITS = 9
LINEAR_BITS = PRECISION_BITS + 1
# 73 minutes in nanoseconds: a run may take an hour and its last request ten minutes.
HIGHEST_BITS = 42
SLOTS = ((HIGHEST_BITS - LINEAR_BITS) << PRECISION_BITS) + (1 << LINEAR_BITS)
LARGEST_NS = (1 << HIGHEST_BITS) - 1
COUNTER = "I"
_WIDTH = array(COUNTER).itemsize
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class PackedCounts:
    """The counters of a stretch of buckets, as machine words; what a worker sends for a window."""

    first: int
    words: bytes


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that holds something: from `low_ms` up to `high_ms`, exclusive."""

    low_ms: float
    high_ms: float
    count: int


def empty_counts() -> array[int]:
    """Return zeroed counters for every bucket."""
    return array(COUNTER, bytes(SLOTS * _WIDTH))


def slot_of(value_ns: int) -> int:
    """Return the bucket of a latency; what is longer than the histogram reaches goes into the last one."""
    value = 0 if value_ns < 0 else min(value_ns, LARGEST_NS)
    shift = value.bit_length() - LINEAR_BITS
    return value if shift <= 0 else (shift << PRECISION_BITS) + (value >> shift)


def edges_of(slot: int) -> tuple[int, int]:
    """Return the lower edge of a bucket and its width, in nanoseconds."""
    if slot < 1 << LINEAR_BITS:
        return slot, 1
    shift = (slot >> PRECISION_BITS) - 1
    return (slot - (shift << PRECISION_BITS)) << shift, 1 << shift


def pack(counts: array[int]) -> PackedCounts:
    """Return the counters without the empty buckets at both ends."""
    raw = counts.tobytes()
    first = (len(raw) - len(raw.lstrip(b"\0"))) // _WIDTH
    end = -(-len(raw.rstrip(b"\0")) // _WIDTH)
    return PackedCounts(first, raw[first * _WIDTH : end * _WIDTH]) if end > first else PackedCounts(0, b"")


class Histogram:
    """Counts of latencies, to be merged and asked for order statistics."""

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.total = 0

    def add(self, value_ns: int, count: int = 1) -> None:
        """Count a latency."""
        slot = slot_of(value_ns)
        self._counts[slot] = self._counts.get(slot, 0) + count
        self.total += count

    def add_packed(self, packed: PackedCounts) -> None:
        """Add what a worker counted; ValueError when the words are not what a worker sends."""
        words = array(COUNTER)
        words.frombytes(packed.words)
        if not 0 <= packed.first <= SLOTS - len(words):
            raise ValueError(f"counters from {packed.first} on do not fit {SLOTS} buckets")
        counts = self._counts
        for slot, count in enumerate(words, packed.first):
            if count:
                counts[slot] = counts.get(slot, 0) + count
                self.total += count

    def merge(self, other: Histogram) -> None:
        """Add all counts of another histogram."""
        for slot, count in other._counts.items():
            self._counts[slot] = self._counts.get(slot, 0) + count
        self.total += other.total

    def at_rank(self, rank: int) -> float:
        """Return the latency in milliseconds of the rank-th shortest, counted from 1; ValueError when there is none."""
        if not 1 <= rank <= self.total:
            raise ValueError(f"rank {rank} of {self.total}")
        seen = 0
        for slot in sorted(self._counts):
            seen += self._counts[slot]
            if seen >= rank:
                return _middle_ms(slot)
        raise AssertionError("the counts add up to the total")

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that this share (0 to 1) of all does not exceed (nearest rank)."""
        return self.at_rank(max(1, min(self.total, _ceiling(share * self.total))))

    def percentiles(self, shares: tuple[float, ...]) -> tuple[float, ...]:
        """Return several percentiles."""
        return tuple(self.percentile(share) for share in shares)

    def mean(self) -> float:
        """Return the mean in milliseconds (of the middles of the buckets); ValueError when nothing was counted."""
        if not self.total:
            raise ValueError("the mean of nothing")
        return sum(_middle_ms(slot) * count for slot, count in self._counts.items()) / self.total

    def at_most(self, limit_ms: float) -> int:
        """Return how many latencies do not exceed a limit, to the precision of the buckets."""
        return sum(count for slot, count in self._counts.items() if _middle_ms(slot) <= limit_ms)

    def buckets(self) -> Iterator[Bucket]:
        """Yield the buckets that hold something, shortest first."""
        for slot in sorted(self._counts):
            low, width = edges_of(slot)
            yield Bucket(low / _NS_PER_MS, (low + width) / _NS_PER_MS, self._counts[slot])


def _middle_ms(slot: int) -> float:
    low, width = edges_of(slot)
    return (low + (width - 1) / 2) / _NS_PER_MS


def _ceiling(value: float) -> int:
    # 0.99 * 100 is 99.00000000000001 in floating point, which must not become 100.
    return -int(-(value - 1e-9) // 1)
