"""From a target of the command line to a row: measured, graded, compared with a baseline, and kept."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from sophia_cli.bench.capacity_run import bench_capacity
from sophia_cli.bench.comparison import compare, usual_shift
from sophia_cli.bench.history import BenchHistory, Conditions, KeptRun, conditions_of, without_query
from sophia_cli.bench.load import WorkerKilled
from sophia_cli.bench.objectives import target_of
from sophia_cli.bench.reaching import Access, Reached, reached
from sophia_cli.bench.run import BenchPlan, Observe, bench, load_spec
from sophia_cli.bench.scale import DEFAULT_TARGET_MS
from sophia_cli.bench.side_by_side import Sides, compare_side_by_side
from sophia_cli.bench.target import RequestSpec, parse_target
from sophia_cli.commands._bench_options import BenchOptions
from sophia_cli.commands._bench_target import Named
from sophia_cli.commands._output import say
from sophia_cli.core.errors import SophiaError, UnavailableError, UsageError
from sophia_cli.core.measurement_comparison import Change, Comparison
from sophia_cli.core.measurement_report import BenchRow, UnbenchedRow
from sophia_cli.core.measurement_slo import Promised
from sophia_cli.project.clock import Clock
from sophia_cli.render.bench_json import bench_row

LAST = "last"


@dataclass(frozen=True, slots=True)
class Benching:
    """One call of the command: benches targets one after the other, in the project at `root`."""

    root: Path
    options: BenchOptions
    asked: RequestSpec
    access: Access
    observe: Observe
    clock: Clock

    def check(self, targets: tuple[Named, ...]) -> None:
        """Raise what can be said before any load: UsageError or UnavailableError.

        That is a URL that cannot be one or lies outside this machine, a baseline that does not exist, objectives that
        are missing.
        """
        baseline = self.options.baseline
        if self._is_url_baseline and len(targets) > 1:
            raise UsageError("usage", "`--baseline URL` compares with one target", hint="name one service or URL")
        if baseline is not None and baseline != LAST and not self._is_url_baseline:
            _kept_run(BenchHistory(self.root), baseline, None)
        for named in targets:
            if self.options.is_capacity and not self._objectives(named):
                hint = "add `--slo p99=25ms`, or `slo` to the service in the settings"
                raise UsageError("usage", "`--capacity` needs to know what has to be kept", hint=hint)
            parse_target(named.url, allow_remote=self.access.allow_remote)

    def row_or_error(self, named: Named) -> BenchRow | UnbenchedRow:
        """Bench a target; what cannot be measured is a row that says why."""
        try:
            return self.row(named)
        except SophiaError as error:
            return UnbenchedRow(_name_of(named), named.url, error)

    def row(self, named: Named) -> BenchRow:
        """Bench a target and keep the run.

        UsageError or UnavailableError when it cannot be benched (see `reached`).
        """
        options = replace(self.options, objectives=self._objectives(named))
        history = BenchHistory(self.root)
        name = _name_of(named)
        kept = None
        if options.baseline is not None and not self._is_url_baseline:
            kept = _kept_run(history, options.baseline, name)
        try:
            with reached(named.url, self.asked, self.access) as found:
                if found.may_write:
                    say(f"warning: `{self.asked.title}` may write, and {name} gets it thousands of times")
                plan = _plan(options, found, name)
                conditions = conditions_of(plan, self.asked, named.url)
                if options.baseline == LAST:
                    kept = history.last(conditions)
                measured = bench_capacity if options.is_capacity else bench
                row = measured(plan, found.first, found.request, self.observe)
                if self._is_url_baseline:
                    row = replace(row, comparison=self._side_by_side(options, plan, found))
        except WorkerKilled as error:
            raise UnavailableError(
                "load-worker-killed",
                f"a process that makes the load was ended from outside: {error}",
                hint="see whether the machine ran out of memory; fewer `--connections` need less",
            ) from error
        row = replace(row, request=self.asked.title)
        if options.baseline is not None and not self._is_url_baseline:
            row = replace(row, comparison=_compared(history, kept, row, conditions))
        return replace(row, run_id=_keep(history, options, row, conditions, self.clock))

    @property
    def _is_url_baseline(self) -> bool:
        return self.options.baseline is not None and "://" in self.options.baseline

    def _objectives(self, named: Named) -> tuple[Promised, ...]:
        return self.options.objectives or named.objectives

    def _side_by_side(self, options: BenchOptions, plan: BenchPlan, found: Reached) -> Comparison:
        assert options.baseline is not None  # it is a URL
        with reached(options.baseline, self.asked, self.access) as other:
            baseline = load_spec(_plan(options, other, plan.name), other.first.target, other.request)
            sides = Sides(baseline, load_spec(plan, found.first.target, found.request))
            return compare_side_by_side(sides, round(options.duration_s), plan.target_ms, self.observe)


def _name_of(named: Named) -> str:
    """Return the name of the service; a bare URL is a service named by its host."""
    return named.service.name if named.service is not None else urlsplit(named.url).hostname or named.url


def _plan(options: BenchOptions, found: Reached, name: str) -> BenchPlan:
    return BenchPlan(
        name=name,
        connections=options.connections,
        rate=options.rate,
        duration_s=options.duration_s,
        most_requests=options.most_requests,
        timeout_s=options.timeout_s,
        trust=found.trust,
        processes=options.processes,
        target_ms=target_of(options.objectives) or DEFAULT_TARGET_MS,
        objectives=options.objectives,
    )


def _kept_run(history: BenchHistory, name: str, service: str | None) -> KeptRun | None:
    """Return the run of a name, before minutes are spent on a load; None for `last`, which depends on the load."""
    if name == LAST:
        return None
    kept = history.named(name, service)
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
