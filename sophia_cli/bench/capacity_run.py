"""Finds a target's capacity: a glance at what it can do at all, trials of rates, and a longer one that confirms."""

from __future__ import annotations

import time
from collections.abc import Callable

from sophia_cli.bench.capacity import bracket, next_rate
from sophia_cli.bench.connecting.preflight import FirstAnswer
from sophia_cli.bench.connecting.target import Request
from sophia_cli.bench.engine.counted import Second
from sophia_cli.bench.engine.load import LoadSpec
from sophia_cli.bench.judging.grading import grade_of
from sophia_cli.bench.judging.objectives import judge, latency_objectives
from sophia_cli.bench.judging.scale import latency_scale
from sophia_cli.bench.run import BenchPlan, Observe, load_spec, measure, promise_of
from sophia_cli.core.measurement import Measurement, RefusalKind
from sophia_cli.core.measurement_report import BenchRow
from sophia_cli.core.measurement_slo import Capacity, Kept, Promised, Trial
from sophia_cli.core.values import dataclass, replace

HIGHEST_RATE = 1_000_000.0
_SEARCH_S = 13.0
_CONFIRM_UNTIL_S = 17.0
_TRIAL_S = 1.0
_LONGEST_TRIAL_S = 4.0
_CONFIRM_S = 2.0
_SHORTEST_TIMEOUT_S = 0.5
_STEP_DOWN = 0.95
_WARM_UP_S = 0.25
# With that many samples p99 has an upper bound of 95 % confidence.
_ENOUGH_SAMPLES = 400


@dataclass(frozen=True, slots=True)
class CapacityResult:
    """The capacity, and the measurement at that rate (of the last trial when no rate kept the objectives)."""

    capacity: Capacity
    measured: Measurement


@dataclass(frozen=True, slots=True)
class _Tried:
    trial: Trial
    measured: Measurement


@dataclass(frozen=True, slots=True)
class CapacityRun:
    """How to look for a capacity. `observe` gets the name of the trial that runs and its windows so far."""

    spec: LoadSpec
    objectives: tuple[Promised, ...]
    target_ms: float
    observe: Callable[[str, tuple[Second, ...]], None]

    def find(self) -> CapacityResult:
        """Return the largest rate that keeps the objectives, after 20 s or a little more where answers are slow.

        WorkerKilled when a worker is ended from outside.
        """
        begun = time.monotonic()
        last = self._glance()
        first, most = last.throughput_rps / 2, HIGHEST_RATE
        limit: str | None = None
        tried: list[_Tried] = []
        while time.monotonic() < begun + _SEARCH_S:
            rate = next_rate([one.trial for one in tried], first, most)
            if rate is None:
                break
            one = self._try(rate, _TRIAL_S)
            last = one.measured
            refusal = last.client.refusal
            if refusal is None or refusal.kind is not RefusalKind.CLIENT_BOUND or one.trial.kept is not Kept.NOT:
                tried.append(one)
                continue
            # What the client could not make says nothing about the service.
            limit, most = str(refusal), rate / 2
            if tried:
                break
        self._confirm(tried, begun + _CONFIRM_UNTIL_S)
        return self._result(tried, limit, last)

    def _glance(self) -> Measurement:
        spec = replace(self.spec, rate=None, duration_s=_TRIAL_S, most_requests=None, warm_up_s=_WARM_UP_S)
        return measure(spec, self.target_ms, lambda seconds: self.observe("capacity: first glance", seconds))

    def _confirm(self, tried: list[_Tried], until: float) -> None:
        """Try the rate that was found once more and for longer; a little less when it fails, while there is time."""
        rate, _ = bracket([one.trial for one in tried])
        while rate is not None:
            tried.append(self._try(rate, _CONFIRM_S))
            if tried[-1].trial.kept is not Kept.NOT or time.monotonic() > until:
                return
            rate *= _STEP_DOWN

    def _result(self, tried: list[_Tried], limit: str | None, last: Measurement) -> CapacityResult:
        trials = tuple(one.trial for one in tried)
        low, high = bracket(trials)
        for one in reversed(tried):
            if one.trial.rate == low:
                sure = one.trial.kept is Kept.SURELY and one is tried[-1]
                return CapacityResult(Capacity(self.objectives, low, high, sure, limit, trials), one.measured)
        return CapacityResult(Capacity(self.objectives, None, high, False, limit, trials), last)

    def _try(self, rate: float, shortest_s: float) -> _Tried:
        duration = max(shortest_s, min(_LONGEST_TRIAL_S, _ENOUGH_SAMPLES / rate))
        # An answer that takes that long breaks the objectives anyway; waiting for it only takes time.
        limits = [objective.limit_ms / 1000 for objective in latency_objectives(self.objectives)]
        slowest_s = max(limits, default=self.spec.timeout_s)
        spec = replace(
            self.spec,
            rate=rate,
            duration_s=duration,
            most_requests=None,
            warm_up_s=_WARM_UP_S,
            timeout_s=min(self.spec.timeout_s, max(_SHORTEST_TIMEOUT_S, 2 * slowest_s)),
        )
        name = f"capacity: {rate:.0f} requests/s"
        measured = measure(spec, self.target_ms, lambda seconds: self.observe(name, seconds))
        kept, reason = judge(measured, self.objectives)
        trial = Trial(rate, kept, measured.requests, measured.errors, self._tightest(measured), reason)
        return _Tried(trial, measured)

    def _tightest(self, measured: Measurement) -> float | None:
        """Return the percentile that comes nearest to its limit, or exceeds it most."""
        asked = latency_objectives(self.objectives)
        if measured.latency is None or not asked:
            return None
        found = [(o.percentile.of(measured.latency) or 0.0, o.limit_ms) for o in asked]
        return max(found, key=lambda pair: pair[0] / pair[1])[0]


def bench_capacity(plan: BenchPlan, first: FirstAnswer, request: Request, observe: Observe) -> BenchRow:
    """Find the capacity of a target that has answered once, and grade the load at that rate."""
    run = CapacityRun(load_spec(plan, first.target, request), plan.objectives, plan.target_ms, observe)
    found = run.find()
    refused = found.measured.client.refusal
    return BenchRow(
        name=plan.name,
        url=first.target.url,
        loaded=found.measured,
        idle=None,
        first_ms=first.latency_ms,
        scale=latency_scale(plan.target_ms),
        target_ms=plan.target_ms,
        grade=None if refused else grade_of(found.measured, None, first.latency_ms, plan.target_ms),
        refused=None if refused is None else str(refused),
        promise=promise_of(plan, found.measured),
        capacity=found.capacity,
    )
