"""Finds a target's capacity: a glance at what it can do at all, trials of rates, and a longer one that confirms."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sophia_cli.bench.capacity import bracket, next_rate
from sophia_cli.bench.grading import grade_of
from sophia_cli.bench.load import LoadSpec, Second
from sophia_cli.bench.objectives import judge
from sophia_cli.bench.preflight import FirstAnswer
from sophia_cli.bench.run import BenchPlan, Observe, load_spec, measure, promise_of
from sophia_cli.bench.scale import latency_scale
from sophia_cli.bench.target import Request
from sophia_cli.core.measurement import Measurement, RefusalKind
from sophia_cli.core.measurement_report import BenchRow
from sophia_cli.core.measurement_slo import Capacity, Kept, Objective, Trial

HIGHEST_RATE = 1_000_000.0
_SEARCH_S = 14.0
_TRIAL_S = 1.0
_LONGEST_TRIAL_S = 4.0
_CONFIRM_S = 2.0
_CONFIRMATIONS = 3
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
class CapacityRun:
    """How to look for a capacity. `observe` gets the name of the trial that runs and its windows so far."""

    spec: LoadSpec
    objectives: tuple[Objective, ...]
    target_ms: float
    observe: Callable[[str, tuple[Second, ...]], None]

    def find(self) -> CapacityResult:
        """Return the largest rate that keeps the objectives, after 20 s at most where answers come at all.

        WorkerKilled when a worker is ended from outside.
        """
        deadline = time.monotonic() + _SEARCH_S
        last = self._glance()
        first, most = last.throughput_rps / 2, HIGHEST_RATE
        limit: str | None = None
        trials: list[Trial] = []
        while time.monotonic() < deadline and (rate := next_rate(trials, first, most)) is not None:
            last, trial = self._try(rate, _TRIAL_S)
            refusal = last.client.refusal
            if refusal is None or refusal.kind is not RefusalKind.CLIENT_BOUND or trial.kept is not Kept.NOT:
                trials.append(trial)
                continue
            # What the client could not make says nothing about the service.
            limit, most = str(refusal), rate / 2
            if trials:
                break
        return self._confirmed(trials, limit, last)

    def _glance(self) -> Measurement:
        spec = replace(self.spec, rate=None, duration_s=_TRIAL_S, most_requests=None, warm_up_s=_WARM_UP_S)
        return measure(spec, self.target_ms, lambda seconds: self.observe("capacity: first glance", seconds))

    def _confirmed(self, trials: list[Trial], limit: str | None, last: Measurement) -> CapacityResult:
        """Try the rate that was found once more and for longer; a little less when it does not hold."""
        rate, high = bracket(trials)
        for _ in range(_CONFIRMATIONS):
            if rate is None:
                break
            last, trial = self._try(rate, _CONFIRM_S)
            trials.append(trial)
            high = bracket(trials)[1]
            if trial.kept is not Kept.NOT:
                sure = trial.kept is Kept.SURELY
                return CapacityResult(Capacity(self.objectives, rate, high, sure, limit, tuple(trials)), last)
            rate *= _STEP_DOWN
        return CapacityResult(Capacity(self.objectives, None, high, False, limit, tuple(trials)), last)

    def _try(self, rate: float, shortest_s: float) -> tuple[Measurement, Trial]:
        duration = max(shortest_s, min(_LONGEST_TRIAL_S, _ENOUGH_SAMPLES / rate))
        spec = replace(self.spec, rate=rate, duration_s=duration, most_requests=None, warm_up_s=_WARM_UP_S)
        name = f"capacity: {rate:.0f} requests/s"
        measured = measure(spec, self.target_ms, lambda seconds: self.observe(name, seconds))
        kept, reason = judge(measured, self.objectives)
        return measured, Trial(rate, kept, measured.requests, measured.errors, self._tightest(measured), reason)

    def _tightest(self, measured: Measurement) -> float | None:
        """Return the percentile that comes nearest to its limit, or exceeds it most."""
        if measured.latency is None:
            return None
        found = [(o.percentile.of(measured.latency) or 0.0, o.limit_ms) for o in self.objectives]
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
