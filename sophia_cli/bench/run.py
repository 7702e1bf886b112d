"""A whole bench of one target: the first request, one connection, then the load, each with its warm-up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from sophia_cli.bench.connecting.preflight import FirstAnswer
from sophia_cli.bench.connecting.target import Request, Target, Trust
from sophia_cli.bench.engine.counted import Second
from sophia_cli.bench.engine.load import LoadSpec, run_load
from sophia_cli.bench.judging.grading import grade_of
from sophia_cli.bench.judging.objectives import judge
from sophia_cli.bench.judging.scale import latency_scale
from sophia_cli.bench.machine import ticks
from sophia_cli.bench.measure import measurement_of
from sophia_cli.bench.watch import refusal_of
from sophia_cli.core.measurement import Measurement
from sophia_cli.core.measurement_report import BenchRow, Promise
from sophia_cli.core.measurement_slo import Promised
from sophia_cli.core.values import dataclass, replace

IDLE_REQUESTS = 1_000
LONGEST_IDLE_S = 5.0
# Together at most three seconds, and not longer than what they precede.
IDLE_WARM_UP_S = 1.0
LOADED_WARM_UP_S = 2.0
SHORTEST_WARM_UP_S = 0.3

Observe = Callable[[str, tuple[Second, ...]], None]


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What a bench of one service does. `rate` None is a closed loop; `processes` None lets the load decide."""

    name: str
    connections: int
    rate: float | None
    duration_s: float
    most_requests: int | None
    timeout_s: float
    trust: Trust
    processes: int | None
    target_ms: float
    objectives: tuple[Promised, ...]


def bench(plan: BenchPlan, first: FirstAnswer, request: Request, observe: Observe) -> BenchRow:
    """Measure a target that has answered once, and grade it; WorkerKilled when a load worker is ended from outside.

    `observe` gets the name of the part that runs and its windows so far.
    """
    loaded_spec = load_spec(plan, first.target, request)
    idle_spec = replace(
        loaded_spec,
        connections=1,
        rate=None,
        duration_s=min(LONGEST_IDLE_S, plan.duration_s),
        most_requests=min(IDLE_REQUESTS, plan.most_requests or IDLE_REQUESTS),
        warm_up_s=min(IDLE_WARM_UP_S, max(SHORTEST_WARM_UP_S, plan.duration_s)),
        processes=1,
        most_processes=1,
    )
    idle = measure(idle_spec, plan.target_ms, lambda seconds: observe("one connection", seconds))
    loaded = measure(loaded_spec, plan.target_ms, lambda seconds: observe("load", seconds))
    refused = None if loaded.client.refusal is None else str(loaded.client.refusal)
    if refused is None and idle.client.refusal is not None:
        refused = f"{idle.client.refusal} (with one connection)"
    return BenchRow(
        name=plan.name,
        url=first.target.url,
        loaded=loaded,
        idle=idle,
        first_ms=first.latency_ms,
        scale=latency_scale(plan.target_ms),
        target_ms=plan.target_ms,
        grade=None if refused else grade_of(loaded, idle, first.latency_ms, plan.target_ms),
        refused=refused,
        promise=promise_of(plan, loaded),
    )


def load_spec(plan: BenchPlan, target: Target, request: Request) -> LoadSpec:
    """Return the load that a plan puts on a target."""
    return LoadSpec(
        target=target,
        request=request,
        trust=plan.trust,
        connections=plan.connections,
        rate=plan.rate,
        duration_s=plan.duration_s,
        most_requests=plan.most_requests,
        warm_up_s=min(LOADED_WARM_UP_S, max(SHORTEST_WARM_UP_S, plan.duration_s)),
        timeout_s=plan.timeout_s,
        processes=plan.processes or 1,
        most_processes=plan.processes or most_processes(target),
    )


def promise_of(plan: BenchPlan, loaded: Measurement) -> Promise | None:
    """Return what a load made of the plan's objectives; None when it has none."""
    return Promise(plan.objectives, *judge(loaded, plan.objectives)) if plan.objectives else None


def most_processes(target: Target) -> int:
    """Return how many processes may load a target: one for every core, less the one that a local service needs."""
    available = getattr(os, "sched_getaffinity", None)
    cores = len(available(0)) if available is not None else os.cpu_count() or 1
    return max(1, cores - 1 if target.address.is_loopback else cores)


def measure(spec: LoadSpec, target_ms: float, observe: Callable[[tuple[Second, ...]], None]) -> Measurement:
    """Make a load and return its figures, with the reason when they must not be graded."""
    before, begun = ticks(), time.monotonic()
    load = run_load(spec, time.monotonic_ns, observe)
    after, took_us = ticks(), (time.monotonic() - begun) * 1e6
    stolen = after.stolen_since(before)
    throttled = (after.throttled_us - before.throttled_us) / took_us
    return measurement_of(spec, load, target_ms, stolen, refusal_of(load, stolen, throttled))
