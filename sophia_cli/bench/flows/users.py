"""Virtual users that go through a flow, each with a connection of its own, in one asyncio loop.

They are made of the client of functional checks, which judges and captures: that costs ten times what the load engine
needs for a request. The measured time of a step is that of its requests, from the first byte sent to the end of the
answer, without the judging.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sophia_cli import __version__
from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.counted import Second
from sophia_cli.bench.engine.steady import STEADY_WINDOWS, is_steady
from sophia_cli.bench.flows.flow import Flow
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.checks.answer import Answer
from sophia_cli.checks.asking import Asking, Service
from sophia_cli.checks.declared import run_declared
from sophia_cli.checks.http_client import Enough, ExchangeFailed, ExchangeFailure, HttpClient, HttpRequest
from sophia_cli.core.values import dataclass, field, replace
from sophia_cli.project.settings.check_model import Check

_NS = 1_000_000_000
_QUARTER_NS = _NS // 4
_FAILURES = {
    ExchangeFailure.REFUSED: Failure.REFUSED,
    ExchangeFailure.UNREACHABLE: Failure.UNREACHABLE,
    ExchangeFailure.TLS: Failure.TLS,
    ExchangeFailure.TIMEOUT: Failure.TIMEOUT,
    ExchangeFailure.CLOSED: Failure.RESET,
    ExchangeFailure.MALFORMED: Failure.MALFORMED,
    ExchangeFailure.TOO_LARGE: Failure.TOO_LARGE,
}
# A user whose step failed waits that long, so that a service that is down is not stormed.
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Stepped:
    """What became of one step: how long its requests took, and why it failed (None: it did not)."""

    took_ns: int
    failure: Failure | None
    message: str


@dataclass(slots=True)
class StepTally:
    """What was counted of one step; `answered` leaves out what came after the end of the measured time."""

    latencies: Histogram = field(default_factory=Histogram)
    answered: int = 0
    failures: Counter[Failure] = field(default_factory=Counter)
    first_failure: str | None = None


@dataclass(slots=True)
class FlowTally:
    """What was counted of a flow from `start_ns` to `end_ns`, in windows of a second; and of its warm-up."""

    steps: tuple[StepTally, ...]
    start_ns: int
    end_ns: int
    warm_up: dict[int, Histogram] = field(default_factory=dict)
    completed: Histogram = field(default_factory=Histogram)
    failed: int = 0
    windows: list[tuple[Histogram, list[int]]] = field(default_factory=list)

    def count(self, place: int, begun_ns: int, ended_ns: int, step: Stepped) -> None:
        """Count a step; one that began before the measured time belongs to the warm-up."""
        if begun_ns < self.start_ns:
            if step.failure is None:
                quarters_left = (self.start_ns - ended_ns) // _QUARTER_NS
                self.warm_up.setdefault(quarters_left, Histogram()).add(step.took_ns)
            return
        while len(self.windows) <= (ended_ns - self.start_ns) // _NS:
            self.windows.append((Histogram(), [0]))
        latencies, failures = self.windows[(ended_ns - self.start_ns) // _NS]
        tally = self.steps[place]
        if step.failure is None:
            tally.latencies.add(step.took_ns)
            tally.answered += ended_ns <= self.end_ns
            latencies.add(step.took_ns)
        else:
            tally.failures[step.failure] += 1
            tally.first_failure = tally.first_failure or step.message
            failures[0] += 1

    def was_steady(self) -> bool:
        """Whether latency had settled when the measured time began."""
        last = [self.warm_up.get(quarters_left) for quarters_left in reversed(range(STEADY_WINDOWS))]
        return is_steady([None if window is None else window.percentile(0.5) for window in last])

    def seconds(self, now_ns: int) -> tuple[Second, ...]:
        """Return the windows that have ended."""
        whole = max(0, (now_ns - self.start_ns) // _NS)
        return tuple(
            Second(float(place), 1.0, latencies, failures[0])
            for place, (latencies, failures) in enumerate(self.windows[:whole])
        )


class FlowUser:
    """One user: a connection, and the way through the steps."""

    def __init__(self, flow: Flow, service: Service, root: Path, clock: Callable[[], int]) -> None:
        self._flow = flow
        self._service = service
        self._root = root
        self._clock = clock
        self._captured = frozenset(capture.name for step in flow.steps for capture in step.captures)
        self.client = _TimedClient(service)

    async def once(self, until_ns: int, counted: Callable[[int, int, int, Stepped], None]) -> Stepped | None:
        """Go through the flow; return what its requests took in all, or the step that failed.

        `counted` is told of each step: its place, when it began and ended, what became of it. None when the time was
        over before the end.
        """
        asking = Asking(self._service, self.client)
        total = 0
        for place, step in enumerate(self._flow.steps):
            begun = self._clock()
            if begun >= until_ns:
                return None
            done = await self._step(step, asking)
            counted(place, begun, self._clock(), done)
            if done.failure is not None:
                return done
            total += done.took_ns
        return Stepped(total, None, "")

    async def over_and_over(self, tally: FlowTally, until_ns: int) -> None:
        """Go through the flow until the time is over."""
        try:
            while (begun := self._clock()) < until_ns:
                done = await self.once(until_ns, tally.count)
                if done is None:
                    return
                if done.failure is not None:
                    tally.failed += begun >= tally.start_ns
                    await asyncio.sleep(_PAUSE_S)
                elif begun >= tally.start_ns:
                    tally.completed.add(done.took_ns)
        finally:
            self.client.close()

    async def _step(self, step: Check, asking: Asking) -> Stepped:
        client = self.client
        client.took_ns, client.failure = 0, None
        outcome = await run_declared(step, asking, self._root, self._captured)
        if outcome.passed:
            return Stepped(client.took_ns, None, "")
        return Stepped(client.took_ns, client.failure or Failure.UNEXPECTED, outcome.message)


class _TimedClient(HttpClient):
    """Adds up how long answers take; keeps its connection for every method, as a user's program does."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.endpoint, f"sophia-bench/{__version__}")
        self.took_ns = 0
        self.failure: Failure | None = None

    async def send(self, request: HttpRequest, timeout_s: float, enough: Enough | None = None) -> Answer:
        """Return the answer; ExchangeFailed."""
        try:
            answer = await super().send(replace(request, repeatable=True), timeout_s, enough)
        except ExchangeFailed as error:
            self.failure = _FAILURES[error.failure]
            raise
        self.took_ns += int(answer.duration_s * _NS)
        return answer
