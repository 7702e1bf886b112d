"""The report of a fix: what became of every finding, the figures, the exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sophia_cli.commands.fixing.drafting import Drafted
from sophia_cli.commands.fixing.recovered import recovery_line
from sophia_cli.commands.scanning.scan import Scan
from sophia_cli.core.errors import ExitCode
from sophia_cli.core.findings import Finding
from sophia_cli.core.fix_report import CheckResult, FixReport, TakenBack
from sophia_cli.core.packages import PackagesReport
from sophia_cli.core.plan import Plan
from sophia_cli.core.report import FailOn, Verdict, summarise
from sophia_cli.core.values import replace
from sophia_cli.fixers.analysis import with_findings
from sophia_cli.fixers.mending.execute import Executed
from sophia_cli.fixers.mending.outcome import findings_of, outcome
from sophia_cli.fixers.mending.rounds import Draft
from sophia_cli.fixers.mending.verify import Version
from sophia_cli.fixers.rule import NO_FIX, AnyRule
from sophia_cli.project.root import find_root
from sophia_cli.project.runs.recovery import Recovered


def fix_report(
    *,
    drafted: Drafted,
    executed: Executed,
    run_id: str | None,
    recovered: tuple[Recovered, ...],
    dry_run: bool,
    fail_on: FailOn,
    duration_s: float,
    packages: PackagesReport | None = None,
) -> FixReport:
    """Return the report of a fix; findings are followed from the text before to the text that stands."""
    scan, draft, plan = drafted.scan, drafted.draft, executed.plan
    taken_back = (*draft.taken_back, *executed.taken_back)
    before = _shown(scan, draft.before)
    after = _shown(scan, draft.after if plan == draft.plan else _as_left(scan, draft, plan))
    reported = outcome(before, after, plan, _reasons(draft, taken_back, scan.project.rules))
    left = [item.now for item in reported if item.now is not None]
    broken = sum(v.report.compiles for v in after) - sum(v.report.compiles for v in before)
    summary = summarise(
        findings_of(before),
        reported,
        files=len(scan.files),
        lines=scan.lines,
        unparsable=(scan.unparsable, scan.unparsable - broken),
        skipped=scan.skipped,
        starting=scan.starting(),
        history_stopped=scan.history_stopped,
    )
    changes = bool(plan.changes())
    installs = packages.changes_something if packages is not None else False
    installed = packages.applied if packages is not None else False
    would_change = dry_run and (changes or installs)
    failed = executed.check is not None and executed.check.result is CheckResult.FAILED
    exit_code = ExitCode.FINDINGS if would_change or fail_on.applies(left) else ExitCode.DONE
    return FixReport(
        verdict=_verdict(would_change, changes or installed, left),
        exit_code=ExitCode.ROLLED_BACK if failed else exit_code,
        duration_s=duration_s,
        run_id=run_id,
        undo_in=None if find_root(Path()) == scan.project.root else str(scan.project.root),
        dry_run=dry_run,
        summary=summary,
        findings=reported,
        plan=plan,
        taken_back=taken_back,
        rounds=draft.rounds,
        settled=draft.settled,
        recovered=tuple(recovery_line(item) for item in recovered),
        check=executed.check,
        packages=packages,
        unlinked=tuple(change.path for change in plan.changes() if change.path in drafted.linked),
    )


def _shown(scan: Scan, versions: tuple[Version, ...]) -> tuple[Version, ...]:
    """Return the files with the findings that were asked for."""
    return tuple(Version(version.data, scan.project.reported(version.report)) for version in versions)


def _as_left(scan: Scan, draft: Draft, plan: Plan) -> tuple[Version, ...]:
    """Return the files as they are when only some of the drafted steps stand."""
    changed = {change.path: change.after for change in plan.changes()}
    shared = scan.findings_together(changed)
    versions: list[Version] = []
    for before, drafted in zip(draft.before, draft.after, strict=True):
        data = changed.get(before.report.path, before.data)
        own = before.report if data == before.data else drafted.report
        if data not in (before.data, drafted.data):
            own = scan.analyse(before.report.path, data)
        alone = replace(own, findings=tuple(f for f in own.findings if f.rule in scan.project.file_rules))
        versions.append(Version(data, with_findings(alone, shared.get(before.report.path, ()))))
    return tuple(versions)


def _reasons(
    draft: Draft, taken_back: tuple[TakenBack, ...], rules: tuple[AnyRule, ...]
) -> Callable[[Finding], str | None]:
    """Return what says why a finding remains: found by its place, else, when lines moved, by its words."""
    known = [(finding, reason) for finding, reason in draft.reasons]
    known += [(finding, f"its fix was taken back: {item.reason}") for item in taken_back for finding in item.findings]
    by_place = {(f.path, f.rule, f.region, f.message): reason for f, reason in known}
    by_words = {(f.path, f.rule, f.message): reason for f, reason in known}
    without_fix = {rule.id: rule.without_fix for rule in rules}

    def why(finding: Finding) -> str | None:
        words = by_words.get((finding.path, finding.rule, finding.message))
        reason = by_place.get((finding.path, finding.rule, finding.region, finding.message), words)
        if finding.fix is None and reason in (None, NO_FIX):
            return without_fix.get(finding.rule, NO_FIX)
        return reason

    return why


def _verdict(would_change: bool, changed: bool, left: list[Finding]) -> Verdict:
    if would_change:
        return Verdict.WOULD_CHANGE
    if left:
        return Verdict.FINDINGS
    return Verdict.FIXED if changed else Verdict.CLEAN
