"""What a worker counts in one stretch of a run, and how it is written for the process that asked for it."""

from __future__ import annotations

import base64
import json
from collections import Counter
from enum import Enum

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.judging.histogram import PackedCounts, empty_counts, pack
from sophia_cli.core.values import dataclass


class Stage(Enum):
    """Which part of a run a window belongs to; what is answered while draining was begun in a measured window."""

    WARM_UP = "warm-up"
    MEASURED = "measured"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Usage:
    """What the worker has used so far: processor time, time that it was ready to run but had to wait for a processor,
    and how many times it was given one.
    """

    cpu_ns: int
    waited_ns: int
    slices: int


@dataclass(frozen=True, slots=True)
class Window:
    """One window of one worker. `lags` are how late requests went out although a connection was free."""

    stage: Stage
    start_ns: int
    end_ns: int
    latencies: PackedCounts
    lags: PackedCounts
    failures: tuple[tuple[Failure, int], ...]
    statuses: tuple[tuple[int, int], ...]
    used: Usage


class Tally:
    """The counters of the window that is under way. `latencies` stays the same array for the whole run."""

    __slots__ = ("failures", "lags", "latencies", "start_ns", "statuses")

    def __init__(self, start_ns: int) -> None:
        self.latencies = empty_counts()
        self.lags = empty_counts()
        self.failures: Counter[Failure] = Counter()
        self.statuses: Counter[int] = Counter()
        self.start_ns = start_ns

    def take(self, stage: Stage, end_ns: int, used: Usage) -> Window:
        """Return the window that ends here and begin the next one."""
        window = Window(
            stage=stage,
            start_ns=self.start_ns,
            end_ns=end_ns,
            latencies=pack(self.latencies),
            lags=pack(self.lags),
            failures=tuple(self.failures.items()),
            statuses=tuple(self.statuses.items()),
            used=used,
        )
        for counts, packed in ((self.latencies, window.latencies), (self.lags, window.lags)):
            if packed.words:
                length = len(packed.words) // counts.itemsize
                counts[packed.first : packed.first + length] = empty_counts()[:length]
        self.failures.clear()
        self.statuses.clear()
        self.start_ns = end_ns
        return window


def window_line(window: Window) -> bytes:
    """Return a window as one line."""
    fields = {
        "stage": window.stage.value,
        "start": window.start_ns,
        "end": window.end_ns,
        "latencies": [window.latencies.first, base64.b64encode(window.latencies.words).decode()],
        "lags": [window.lags.first, base64.b64encode(window.lags.words).decode()],
        "failures": [[failure.value, count] for failure, count in window.failures],
        "statuses": [list(pair) for pair in window.statuses],
        "used": [window.used.cpu_ns, window.used.waited_ns, window.used.slices],
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def window_of(line: bytes) -> Window:
    """Return the window that a line stands for; ValueError, KeyError or TypeError when it is none."""
    fields = json.loads(line)
    return Window(
        stage=Stage(fields["stage"]),
        start_ns=int(fields["start"]),
        end_ns=int(fields["end"]),
        latencies=_packed(fields["latencies"]),
        lags=_packed(fields["lags"]),
        failures=tuple((Failure(name), int(count)) for name, count in fields["failures"]),
        statuses=tuple((int(status), int(count)) for status, count in fields["statuses"]),
        used=Usage(*(int(value) for value in fields["used"])),
    )


def _packed(pair: list[object]) -> PackedCounts:
    first, words = pair
    if not isinstance(first, int) or not isinstance(words, str):
        raise TypeError("counters are a number and a text")
    return PackedCounts(first, base64.b64decode(words))
