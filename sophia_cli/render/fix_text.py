"""What `sophia fix` did, as text for a person: the diff first, how to undo it last."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from sophia_cli.core.diff import line_counts
from sophia_cli.core.findings import Fix, Severity
from sophia_cli.core.fix_report import UNSAFE_NEEDED, CheckReport, CheckResult, FixReport
from sophia_cli.core.report import ReportedFinding
from sophia_cli.render.diff import unified
from sophia_cli.render.packages import packages_summary, packages_text
from sophia_cli.render.style import Style, Tone, plural, visible
from sophia_cli.render.text import damage_lines, findings_text, grade_text, joined


def fix_text(report: FixReport, style: Style) -> str:
    """Return the diff, what changed, what remains and why, and how to undo it."""
    changes = report.plan.changes()
    parts = [
        unified(changes, style),
        _applied(report, style),
        _taken_back(report, style),
        _remaining(report.findings, style),
        _packages(report, style),
        fix_summary(report, style),
    ]
    return joined(parts)


def fix_summary(report: FixReport, style: Style) -> str:
    """Return the last lines of a fix."""
    summary = report.summary
    lines = [f"an interrupted run was settled first: {visible(note)}" for note in report.recovered]
    if report.check is not None:
        lines.append(_check(report.check, style))
    lines += [f"{visible(path)} had several hard links: its other names keep the old bytes" for path in report.unlinked]
    if not report.settled:
        lines.append(f"stopped after {plural(report.rounds, 'round')}; another `sophia fix` goes on from here")
    lines += damage_lines(summary)
    if summary.findings:
        lines.append(grade_text(summary, style))
        verb = "would be fixed" if report.dry_run else "fixed"
        left = summary.remaining
        tail = f", {left} {'remains' if left == 1 else 'remain'}" if left else ""
        if waiting := sum(_waits_for_unsafe(item) for item in report.findings):
            tail += f"; `sophia fix --unsafe` mends {'it' if left == 1 else f'{waiting} of them'}"
        lines.append(f"{summary.fixed} of {plural(summary.findings, 'finding')} {verb}{tail}")
    if report.packages is not None:
        lines.append(packages_summary(report.packages, report.dry_run))
    lines.append(style.paint(done_line(report), Tone.STRONG) if _changes(report) else _nothing_changed(report, style))
    return "\n".join(lines) + "\n"


def _waits_for_unsafe(item: ReportedFinding) -> bool:
    """Whether a finding remains only because its fix is unsafe and none such was asked for."""
    return item.now is not None and item.reason == UNSAFE_NEEDED


def done_line(report: FixReport) -> str:
    """Return the last line of a fix that changed something: how much, and how to undo it."""
    what = " and ".join(_changes(report))
    if report.dry_run:
        return f"{what} would change; nothing was written"
    where = f" --project {shlex.quote(report.undo_in)}" if report.undo_in is not None else ""
    return f"{what} changed, run {report.run_id}. Undo: sophia undo {report.run_id}{where}"


def _changes(report: FixReport) -> list[str]:
    """Return what changed, counted; nothing when nothing did."""
    changed, packages = len(report.plan.changes()), report.packages
    if packages is not None and (packages.applied or report.dry_run):
        changed += len(packages.locks)
    what = [plural(changed, "file")] if changed else []
    if packages is not None and packages.steps and (packages.applied or report.dry_run):
        what.append(plural(len(packages.steps), "package"))
    return what


def _packages(report: FixReport, style: Style) -> str:
    """Return the plan of an installation where it was not carried out: a run shows it before it begins."""
    packages = report.packages
    return packages_text(packages, style) if packages is not None and not packages.applied else ""


def _applied(report: FixReport, style: Style) -> str:
    lines: list[str] = []
    made: dict[str, list[tuple[str, Fix]]] = {}
    fixes = [(f.name, f.fix) for step in report.plan.steps for f in step.findings if f.fix is not None]
    for name, fix in fixes:
        # A fix may change other files than the one in which its finding stands.
        for path in dict.fromkeys(edit.path for edit in fix.edits):
            made.setdefault(path, []).append((name, fix))
    for change in report.plan.changes():
        added, removed = line_counts(change)
        lines.append(f"{style.paint(visible(change.path), Tone.STRONG)}  +{added} -{removed}")
        lines += _fixes_made(made.get(change.path, []), style)
    return "\n".join(lines) + "\n" if lines else ""


def _fixes_made(fixes: Sequence[tuple[str, Fix]], style: Style) -> Iterator[str]:
    """Yield a line for every kind of fix, with the number of places, and its evidence when asked for."""
    places = Counter(
        f"  {name}: {visible(fix.title)} ({fix.safety.value}, {fix.confidence:.0%} sure)" for name, fix in fixes
    )
    evidence = dict.fromkeys(text for _, fix in fixes for text in fix.evidence)
    for line, count in places.items():
        yield line if count == 1 else f"{line} at {count} places"
    if style.verbose:
        yield from (f"    evidence: {visible(text)}" for text in evidence)


def _taken_back(report: FixReport, style: Style) -> str:
    lines = []
    for item in report.taken_back:
        places = sorted({f"{visible(f.path)}:{f.region.line}" for f in item.findings})
        lines.append(f"{style.paint('taken back', Tone.WARNING)}  {', '.join(places)}  {visible(item.title)}")
        lines.append(f"         because {item.reason}")
    return "\n".join(lines) + "\n" if lines else ""


def _remaining(items: Iterable[ReportedFinding], style: Style) -> str:
    left = [item for item in items if item.now is not None]
    shown = [item for item in left if style.verbose or item.finding.severity is not Severity.NOTE]
    return findings_text(shown, style)


def _check(check: CheckReport, style: Style) -> str:
    words = {
        CheckResult.PASSED: ("passes before and after", Tone.GOOD),
        CheckResult.FAILED_BEFORE: ("failed already before the fix", Tone.WARNING),
        CheckResult.FAILED: ("fails after the fix", Tone.ERROR),
        CheckResult.NOT_RUN: ("was not run: nothing changed", Tone.NOTE),
    }
    text, tone = words[check.result]
    if check.result is CheckResult.FAILED_BEFORE and check.passed_after is not None:
        text += " and passes now" if check.passed_after else " and still fails"
    if not check.steady:
        text, tone = f"{text}, but failed once on the same files: it is not steady", Tone.WARNING
    line = f"check `{visible(check.command)}` {style.paint(text, tone)}"
    if check.altered:
        files = ", ".join(visible(path) for path in check.altered)
        line += f"\n  while it ran {files} changed once more; an undo keeps what was written then"
    if check.output and check.result in (CheckResult.FAILED_BEFORE, CheckResult.FAILED):
        line += "".join(f"\n  | {visible(text)}" for text in check.output.splitlines())
    return line


def _nothing_changed(report: FixReport, style: Style) -> str:
    if not report.findings:
        return style.paint("nothing to fix", Tone.GOOD)
    return style.paint("nothing changed", Tone.STRONG)
