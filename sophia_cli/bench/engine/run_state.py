"""How far a run of the load engine has come: its stage, what may still be sent, and what has been counted."""

from __future__ import annotations

from typing import Protocol

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.pacing import NEVER, Pace, Schedule
from sophia_cli.bench.engine.window import Stage, Tally, Usage, Window
from sophia_cli.bench.judging.histogram import slot_of
from sophia_cli.core.values import dataclass

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """What one loop does. `pace` is None for a closed loop, `most_requests` None for as many as there is time for."""

    timeout_ns: int
    pace: Pace | None
    most_requests: int | None
    window_ns: int = _NS
    warm_up_window_ns: int = _NS // 4


@dataclass(frozen=True, slots=True)
class Measure:
    """The command to measure from one moment of the clock to another."""

    start_ns: int
    end_ns: int


class Control(Protocol):
    """Who a loop works for. `fd` becomes readable when `receive` has something to say."""

    fd: int

    def receive(self) -> Measure | None:
        """Return the command to measure; None when the loop has to stop at once."""
        ...

    def window(self, window: Window) -> None:
        """Take a finished window."""
        ...

    def used(self) -> Usage:
        """Return what this process has used so far."""
        ...


class RunState:
    """The stage of a run, its budget and its counters. The loop reads the public attributes; only methods change them.

    `record_from` is when a request must have begun (been due) to count, `stop_at` the end of sending, `left` how many
    requests may still be sent (None: no limit), `schedule` when requests are due (None: a closed loop), `timer` the
    next moment at which `advance` has something to do.
    """

    __slots__ = (
        "_control",
        "_measure",
        "_plan",
        "_window_end",
        "left",
        "record_from",
        "schedule",
        "stage",
        "stop_at",
        "tally",
        "timer",
    )

    def __init__(self, plan: LoopPlan, control: Control, now: int) -> None:
        self._plan = plan
        self._control = control
        self._measure: Measure | None = None
        self._window_end = now + plan.warm_up_window_ns
        self.tally = Tally(now)
        self.stage = Stage.WARM_UP
        self.record_from = 0
        self.stop_at = NEVER
        self.left: int | None = None
        self.schedule = None if plan.pace is None else Schedule(plan.pace, now)
        self.timer = now

    def obey(self) -> bool:
        """Take a command from the control; false when it is to stop."""
        self._measure = self._control.receive()
        if self._measure is None:
            return False
        self.timer = min(self.timer, self._measure.start_ns)
        return True

    def advance(self, now: int) -> None:
        """Go on to the stage and the window that this moment belongs to."""
        measure = self._measure
        if measure is not None and self.stage is Stage.WARM_UP and now >= measure.start_ns:
            self._begin_to_measure(measure, now)
        if self.stage is Stage.MEASURED and (now >= self.stop_at or self.left == 0):
            self.finish_window(now)
            self.stage = Stage.DRAINING
            self.stop_at = min(self.stop_at, now)
        if now >= self._window_end:
            self.finish_window(now)
        self.timer = self._window_end
        if self.stage is Stage.MEASURED:
            self.timer = min(self.timer, self.stop_at)
        elif self.stage is Stage.WARM_UP and measure is not None:
            self.timer = min(self.timer, measure.start_ns)

    def finish_window(self, now: int) -> None:
        """Hand out what was counted since the last window."""
        self._control.window(self.tally.take(self.stage, now, self._control.used()))
        step = self._plan.warm_up_window_ns if self.stage is Stage.WARM_UP else self._plan.window_ns
        while self._window_end <= now:
            self._window_end += step

    def has_due(self) -> bool:
        """Whether the schedule still holds a request that is due before the end."""
        return self.schedule is not None and self.schedule.due_ns < self.stop_at and self.left != 0

    def may_begin(self, now: int) -> bool:
        """Whether a closed loop sends another request; it is counted then."""
        if now >= self.stop_at or self.left == 0:
            return False
        self.count_one()
        return True

    def count_one(self) -> None:
        """Take one request from the budget."""
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.timer = 0

    def count_answer(self, begun_ns: int, ended_ns: int, status: int) -> None:
        """Count an answer whose request began in time: its latency, or its status when that is not 2xx."""
        if begun_ns < self.record_from:
            return
        if 200 <= status < 300:
            self.tally.latencies[slot_of(ended_ns - begun_ns)] += 1
        else:
            self.tally.failures[Failure.STATUS] += 1
            self.tally.statuses[status] += 1

    def count_failure(self, begun_ns: int, failure: Failure) -> None:
        """Count a request that failed, if it began in time."""
        if begun_ns >= self.record_from:
            self.tally.failures[failure] += 1

    def count_lag(self, due_ns: int, now: int) -> None:
        """Count how late a request goes out for which a connection was free when it was due."""
        if due_ns >= self.record_from:
            self.tally.lags[slot_of(now - due_ns)] += 1

    def drop_due(self, before_ns: int, failure: Failure) -> None:
        """Count the requests of the schedule that are due before a moment as failed."""
        if self.schedule is not None:
            dropped = self.schedule.drop_before(min(before_ns, self.stop_at), self.left)
            if dropped:
                self.tally.failures[failure] += dropped
                self.left = None if self.left is None else self.left - dropped

    def _begin_to_measure(self, measure: Measure, now: int) -> None:
        self.finish_window(now)
        self.stage = Stage.MEASURED
        # From the next nanosecond on: between the appointed moment and this one requests of the warm-up may have begun.
        start = now + 1
        self.record_from = start
        self.stop_at = start + measure.end_ns - measure.start_ns
        self._window_end = start + self._plan.window_ns
        self.left = self._plan.most_requests
        if self.schedule is not None:
            self.schedule.restart(start)
