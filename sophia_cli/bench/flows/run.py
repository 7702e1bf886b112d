"""A bench of a flow: once through it, a warm-up, then all users for the measured time."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.counted import Load
from sophia_cli.bench.engine.usage import UsageMeter
from sophia_cli.bench.engine.window import Usage
from sophia_cli.bench.flows.flow import Flow
from sophia_cli.bench.flows.users import FlowTally, FlowUser, Stepped, StepTally
from sophia_cli.bench.judging.grading import grade_of
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.bench.judging.scale import latency_scale
from sophia_cli.bench.machine import ticks
from sophia_cli.bench.measure import latency_of, measurement_of
from sophia_cli.bench.run import BenchPlan, Observe, promise_of
from sophia_cli.bench.watch import refusal_of
from sophia_cli.checks.asking import Service, service_at
from sophia_cli.checks.target import Target
from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.grades import Grade
from sophia_cli.core.measurement import Measurement, Refusal, RefusalKind
from sophia_cli.core.measurement_flow import FlowResult, FlowStep
from sophia_cli.core.measurement_report import BenchRow
from sophia_cli.core.values import dataclass, replace

# Above this share of a core users wait for one another: they share one loop that judges every answer.
BUSY_CORE = 0.5
_LONGEST_WARM_UP_S = 2.0
_NS = 1_000_000_000
_FOREVER = 1 << 62
# With another address of the host it may be different.
_ELSEWHERE = (Failure.REFUSED, Failure.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class FlowBench:
    """A flow on a service, the first of the addresses that takes connections. Files of schemas stand in `root`."""

    flow: Flow
    targets: tuple[Target, ...]
    insecure: bool
    root: Path

    def run(self, plan: BenchPlan, observe: Observe) -> BenchRow:
        """Measure and grade the flow; UnavailableError (`flow-fails`) when it cannot be gone through even once."""
        before, begun = ticks(), time.monotonic()
        gc.collect()
        gc.freeze()
        try:
            first, tally, use, warm_up_s = asyncio.run(self._measured(plan, observe))
        finally:
            gc.unfreeze()
        after, took_us = ticks(), (time.monotonic() - begun) * 1e6
        stolen = after.stolen_since(before)
        load = _load_of(tally, tally.steps, plan, use, warm_up_s)
        refusal = _bound(load) or refusal_of(load, stolen, (after.throttled_us - before.throttled_us) / took_us)

        def measured(steps: tuple[StepTally, ...]) -> Measurement:
            return measurement_of(plan, _load_of(tally, steps, plan, use, warm_up_s), plan.target_ms, stolen, refusal)

        steps: list[FlowStep] = []
        for check, one, first_ms in zip(self.flow.steps, tally.steps, first, strict=True):
            figures = measured((one,))
            grade = None if refusal is not None else grade_of(figures, None, first_ms, plan.target_ms)
            steps.append(FlowStep(check.name, f"{check.method} {check.path}", figures, grade, one.first_failure))
        whole = measured(tally.steps)
        return BenchRow(
            name=plan.name,
            url=self.targets[0].url,
            loaded=whole,
            idle=None,
            first_ms=first[0],
            scale=latency_scale(plan.target_ms),
            target_ms=plan.target_ms,
            grade=_worst(steps),
            refused=None if refusal is None else str(refusal),
            promise=promise_of(plan, whole),
            request=f"flow {self.flow.name}",
            flow=FlowResult(
                self.flow.name, tally.completed.total, tally.failed, latency_of(tally.completed), tuple(steps)
            ),
        )

    async def _measured(self, plan: BenchPlan, observe: Observe) -> tuple[tuple[float, ...], FlowTally, Usage, float]:
        clock = time.monotonic_ns
        first, service = await self._reach(plan)
        warm_up_s = min(_LONGEST_WARM_UP_S, plan.duration_s)
        start = clock() + int(warm_up_s * _NS)
        end = start + int(plan.duration_s * _NS)
        tally = FlowTally(tuple(StepTally() for _ in self.flow.steps), start, end)
        meter = UsageMeter()
        try:
            watching = asyncio.create_task(_watch(tally, meter, end, clock, observe))
            users = [FlowUser(self.flow, service, self.root, clock) for _ in range(plan.connections)]
            await asyncio.gather(*(user.over_and_over(tally, end) for user in users))
            return first, tally, await watching, warm_up_s
        finally:
            meter.close()

    async def _reach(self, plan: BenchPlan) -> tuple[tuple[float, ...], Service]:
        """Go through the flow once; return what each step took, in milliseconds, and where it was."""
        for place, target in enumerate(self.targets):
            service = service_at(plan.name, target, plan.timeout_s, self.insecure)
            took: list[float] = []
            user = FlowUser(self.flow, service, self.root, time.monotonic_ns)
            try:
                done = await user.once(_FOREVER, _into(took))
            finally:
                user.client.close()
            assert done is not None  # there is no end to its time
            if done.failure is None:
                return tuple(took), service
            if done.failure not in _ELSEWHERE or len(took) > 1 or place + 1 == len(self.targets):
                break
        assert done is not None  # a host has an address
        raise UnavailableError(
            "flow-fails",
            f"step `{self.flow.steps[len(took) - 1].name}` of flow `{self.flow.name}` fails: {done.message}",
            hint="a flow is measured once it can be gone through; see what the service says",
            location=target.url,
        )


def _into(took: list[float]) -> Callable[[int, int, int, Stepped], None]:
    """Return what notes how many milliseconds a step took."""
    return lambda place, begun_ns, ended_ns, step: took.append(step.took_ns / 1e6)


async def _watch(tally: FlowTally, meter: UsageMeter, end_ns: int, clock: Callable[[], int], observe: Observe) -> Usage:
    """Show how it goes, second by second; return what this process used of the measured time."""
    observe("flow", ())
    await asyncio.sleep((tally.start_ns - clock()) / _NS)
    before = meter.used()
    while (left_ns := end_ns - clock()) > 0:
        await asyncio.sleep(min(1.0, left_ns / _NS))
        observe("flow", tally.seconds(clock()))
    after = meter.used()
    return Usage(after.cpu_ns - before.cpu_ns, after.waited_ns - before.waited_ns, after.slices - before.slices)


def _load_of(tally: FlowTally, steps: tuple[StepTally, ...], plan: BenchPlan, use: Usage, warm_up_s: float) -> Load:
    latencies = Histogram()
    failures: Counter[Failure] = Counter()
    for step in steps:
        latencies.merge(step.latencies)
        failures.update(step.failures)
    is_whole = len(steps) == len(tally.steps)
    wall_ns = plan.duration_s * _NS
    return Load(
        warm_up_s=warm_up_s,
        was_steady=tally.was_steady(),
        measured_s=plan.duration_s,
        seconds=tally.seconds(tally.start_ns + int(wall_ns)) if is_whole else (),
        latencies=latencies,
        lags=Histogram(),
        failures=failures,
        statuses=Counter(),
        answered=sum(step.answered for step in steps),
        cpu_s=use.cpu_ns / _NS,
        busiest=use.cpu_ns / wall_ns,
        waited=use.waited_ns / wall_ns,
        wait_ms=use.waited_ns / max(1, use.slices) / 1e6,
        processes=1,
    )


def _bound(load: Load) -> Refusal | None:
    if load.busiest <= BUSY_CORE:
        return None
    reason = f"the client of flows used {load.busiest:.0%} of a core (limit {BUSY_CORE:.0%}); try fewer --connections"
    return Refusal(RefusalKind.CLIENT_BOUND, reason)


def _worst(steps: Sequence[FlowStep]) -> Grade | None:
    graded = [(step, step.grade) for step in steps if step.grade is not None]
    if not graded:
        return None
    step, grade = max(graded, key=lambda pair: pair[1].letter.rank)
    return replace(grade, reason=f"step `{step.name}`: {grade.reason}")
