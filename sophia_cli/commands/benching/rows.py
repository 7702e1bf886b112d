"""From a target of the command line to a row: measured, graded, compared with a baseline, and kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sophia_cli.bench.connecting.reaching import Access, Reached, reached
from sophia_cli.bench.connecting.target import RequestSpec, Trust, parse_target
from sophia_cli.bench.engine.workers import WorkerKilled
from sophia_cli.bench.judging.grading import with_checks
from sophia_cli.bench.judging.objectives import target_of
from sophia_cli.bench.judging.scale import DEFAULT_TARGET_MS
from sophia_cli.bench.run import BenchPlan, Observe, bench, load_spec
from sophia_cli.commands.benching.options import BenchOptions
from sophia_cli.commands.benching.target import Named
from sophia_cli.commands.command_line.output import say
from sophia_cli.core.errors import SophiaError, UnavailableError, UsageError
from sophia_cli.core.measurement_comparison import Comparison
from sophia_cli.core.measurement_report import BenchRow, UnbenchedRow
from sophia_cli.core.measurement_slo import Promised
from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.clock import Clock

if TYPE_CHECKING:
    from sophia_cli.bench.flows.flow import Flow
    from sophia_cli.bench.history import KeptRun


@dataclass(frozen=True, slots=True)
class Benching:
    """One call of the command: benches targets one after the other, in the project at `root`."""

    root: Path
    options: BenchOptions
    asked: RequestSpec | Flow
    access: Access
    environment: str | None
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
        if len(targets) > 1 and not isinstance(self.asked, RequestSpec):
            raise UsageError("usage", "a flow is that of one service", hint="name the service or the URL")
        if baseline is not None and not self._is_url_baseline:
            self._kept_run(baseline, None)
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
        try:
            row, plan = self._measured(options, named, self.asked)
        except WorkerKilled as error:
            raise UnavailableError(
                "load-worker-killed",
                f"a process that makes the load was ended from outside: {error}",
                hint="see whether the machine ran out of memory; fewer `--connections` need less",
            ) from error
        return self._kept(self._checked(row, named), plan, named.url)

    def _measured(self, options: BenchOptions, named: Named, asked: RequestSpec | Flow) -> tuple[BenchRow, BenchPlan]:
        name = _name_of(named)
        if not isinstance(asked, RequestSpec):
            from sophia_cli.bench.flows.run import FlowBench

            if asked.may_write:
                say(f"warning: flow `{asked.name}` may write, and {name} gets it thousands of times")
            targets = parse_target(named.url, allow_remote=self.access.allow_remote)
            plan = _plan(options, Trust.PLAIN, name)
            return FlowBench(asked, targets, self.access.insecure, self.root).run(plan, self.observe), plan
        with reached(named.url, asked, self.access) as found:
            if found.may_write:
                say(f"warning: `{asked.title}` may write, and {name} gets it thousands of times")
            plan = _plan(options, found.trust, name)
            row = replace(_loaded(options, plan, found, self.observe), request=asked.title)
            if self._is_url_baseline:
                row = replace(row, comparison=self._side_by_side(options, plan, found, asked))
        return row, plan

    def _checked(self, row: BenchRow, named: Named) -> BenchRow:
        """Run the functional checks of a declared service, after the load, and let them decide over its grade."""
        if not self.options.runs_checks or named.service is None:
            return row
        from sophia_cli.commands.benching.checks import checks_of

        checks = checks_of(named.service, self.root, self.environment, self.access)
        return replace(row, checks=checks, grade=None if row.grade is None else with_checks(row.grade, checks))

    def _kept(self, row: BenchRow, plan: BenchPlan, url: str) -> BenchRow:
        """Compare a row with the run that was asked for, and keep it."""
        # Late, since what the history needs must not take memory while the load runs.
        from sophia_cli.bench.history import BenchHistory, conditions_of
        from sophia_cli.commands.benching.baseline import LAST, compared, keep

        history, conditions = BenchHistory(self.root), conditions_of(plan, self.asked.identity, url)
        baseline = self.options.baseline
        if baseline is not None and not self._is_url_baseline:
            kept = history.last(conditions) if baseline == LAST else self._kept_run(baseline, row.name)
            row = replace(row, comparison=compared(history, kept, row, conditions))
        return replace(row, run_id=keep(history, self.options.save_as, row, conditions, self.clock))

    def _kept_run(self, name: str, service: str | None) -> KeptRun | None:
        from sophia_cli.bench.history import BenchHistory
        from sophia_cli.commands.benching.baseline import kept_run

        return kept_run(BenchHistory(self.root), name, service)

    @property
    def _is_url_baseline(self) -> bool:
        return self.options.baseline is not None and "://" in self.options.baseline

    def _objectives(self, named: Named) -> tuple[Promised, ...]:
        return self.options.objectives or named.objectives

    def _side_by_side(self, options: BenchOptions, plan: BenchPlan, found: Reached, asked: RequestSpec) -> Comparison:
        from sophia_cli.bench.side_by_side import Sides, compare_side_by_side

        assert options.baseline is not None  # it is a URL
        with reached(options.baseline, asked, self.access) as other:
            baseline = load_spec(_plan(options, other.trust, plan.name), other.first.target, other.request)
            sides = Sides(baseline, load_spec(plan, found.first.target, found.request))
            return compare_side_by_side(sides, round(options.duration_s), plan.target_ms, self.observe)


def _name_of(named: Named) -> str:
    """Return the name of the service; a bare URL is a service named by its host."""
    return named.service.name if named.service is not None else urlsplit(named.url).hostname or named.url


def _loaded(options: BenchOptions, plan: BenchPlan, found: Reached, observe: Observe) -> BenchRow:
    if options.is_capacity:
        from sophia_cli.bench.capacity_run import bench_capacity

        return bench_capacity(plan, found.first, found.request, observe)
    return bench(plan, found.first, found.request, observe)


def _plan(options: BenchOptions, trust: Trust, name: str) -> BenchPlan:
    return BenchPlan(
        name=name,
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
