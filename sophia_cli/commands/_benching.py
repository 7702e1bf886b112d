"""From a URL on the command line to a row: measured, graded, compared with a baseline, and kept."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sophia_cli.bench.capacity_run import bench_capacity
from sophia_cli.bench.comparison import compare, usual_shift
from sophia_cli.bench.history import BenchHistory, Conditions, KeptRun, conditions_of, without_query
from sophia_cli.bench.load import WorkerKilled
from sophia_cli.bench.objectives import target_of
from sophia_cli.bench.preflight import FirstAnswer, first_answer
from sophia_cli.bench.run import BenchPlan, Observe, bench, load_spec
from sophia_cli.bench.scale import DEFAULT_TARGET_MS
from sophia_cli.bench.side_by_side import Sides, compare_side_by_side
from sophia_cli.bench.target import Request, Trust, get_request, parse_target
from sophia_cli.commands._bench_options import BenchOptions
from sophia_cli.commands._bench_target import named_target
from sophia_cli.commands._output import say
from sophia_cli.core.errors import SophiaError, UnavailableError, UsageError
from sophia_cli.core.measurement_comparison import Change, Comparison
from sophia_cli.core.measurement_report import BenchRow
from sophia_cli.project.clock import Clock
from sophia_cli.project.root import find_root
from sophia_cli.render.bench_json import bench_row

LAST = "last"


def bench_target(
    word: str, options: BenchOptions, observe: Observe, clock: Clock, *, allow_remote: bool, insecure: bool
) -> tuple[BenchRow, str | None]:
    """Bench a URL or a declared service; return its row and the id of the kept run, None when it could not be kept.

    UsageError or UnavailableError when it cannot be benched (see `parse_target`, `first_answer`) and when there is no
    such baseline (`baseline-unknown`).
    """
    root = find_root(Path())
    named = named_target(word, root)
    if named.objectives and not options.objectives:
        options = replace(options, objectives=named.objectives)
    url = named.url
    history = BenchHistory(root)
    is_url = options.baseline is not None and "://" in options.baseline
    kept = None if options.baseline is None or is_url else _kept_run(history, options.baseline)
    first, request, trust = _reach(url, options, allow_remote=allow_remote, insecure=insecure)
    plan = _plan(options, first, trust, named.name)
    conditions = conditions_of(plan, url)
    if options.baseline == LAST:
        kept = history.last(conditions)
    try:
        row = (bench_capacity if options.is_capacity else bench)(plan, first, request, observe)
        if is_url and options.baseline is not None:
            other = _reach(options.baseline, options, allow_remote=allow_remote, insecure=insecure)
            other_plan = _plan(options, other[0], other[2], plan.name)
            sides = Sides(load_spec(other_plan, other[0].target, other[1]), load_spec(plan, first.target, request))
            compared = compare_side_by_side(sides, round(options.duration_s), plan.target_ms, observe)
            row = replace(row, comparison=compared)
        elif options.baseline is not None:
            row = replace(row, comparison=_compared(history, kept, row, conditions))
    except WorkerKilled as error:
        raise UnavailableError(
            "load-worker-killed",
            f"a process that makes the load was ended from outside: {error}",
            hint="see whether the machine ran out of memory; fewer `--connections` need less",
        ) from error
    return row, _keep(history, options, row, conditions, clock)


def _reach(
    url: str, options: BenchOptions, *, allow_remote: bool, insecure: bool
) -> tuple[FirstAnswer, Request, Trust]:
    """Send the first request to a URL."""
    targets = parse_target(url, allow_remote=allow_remote)
    request = get_request(targets[0])
    trust = Trust.PLAIN
    if targets[0].is_tls:
        trust = Trust.UNVERIFIED if insecure else Trust.VERIFIED
    return first_answer(targets, request, trust, options.timeout_s), request, trust


def _plan(options: BenchOptions, first: FirstAnswer, trust: Trust, name: str | None) -> BenchPlan:
    return BenchPlan(
        name=name or first.target.host,
        connections=options.connections,
        rate=options.rate,
        duration_s=options.duration_s,
        most_requests=options.most_requests,
        timeout_s=options.timeout_s,
        trust=trust,
        processes=options.processes,
        target_ms=target_of(options.objectives) or DEFAULT_TARGET_MS,
        objectives=options.objectives,
    )


def _kept_run(history: BenchHistory, name: str) -> KeptRun | None:
    """Return the run of a name, before minutes are spent on a load; None for `last`, which depends on the load."""
    if name == LAST:
        return None
    kept = history.named(name)
    if kept is None:
        raise UsageError(
            "baseline-unknown",
            f"no run is kept under the name `{name}` in this project",
            hint=f"keep one with `--save-as {name}`, or compare with `--baseline last`",
        )
    return kept


def _compared(history: BenchHistory, kept: KeptRun | None, row: BenchRow, now: Conditions) -> Comparison:
    if kept is None:
        return Comparison(LAST, Change.UNKNOWN, "there is no earlier run of this URL with this load on this machine")
    label = f"run {kept.id}" + (f" ({kept.name})" if kept.name else "") + f" of {kept.started[:19].replace('T', ' ')}"
    differing: dict[str, Callable[[Conditions], str]] = {
        "URL": lambda conditions: conditions.url_hash,
        "load": lambda conditions: conditions.settings,
        "machine": lambda conditions: conditions.machine,
    }
    others = [name for name, of in differing.items() if of(kept.conditions) != of(now)]
    if others:
        return Comparison(label, Change.UNKNOWN, f"that run had another {' and another '.join(others)}")
    refused = kept.refused or row.refused
    if refused is not None:
        return Comparison(label, Change.UNKNOWN, f"{'this' if row.refused else 'that'} run was refused: {refused}")
    windows = [second.p50 for second in row.loaded.seconds if second.p50]
    return compare(label, kept.medians_ms, windows, usual_shift(history.medians_like(kept)))


def _keep(
    history: BenchHistory, options: BenchOptions, row: BenchRow, conditions: Conditions, clock: Clock
) -> str | None:
    run_id = secrets.token_hex(4)
    try:
        figures = json.dumps(bench_row(replace(row, url=without_query(row.url))))
        history.keep(run_id, options.save_as, row, conditions, figures, clock.now())
    except SophiaError as error:
        if options.save_as is not None:
            raise
        say(f"warning: this run is not kept: {error.message}")
        return None
    return run_id
