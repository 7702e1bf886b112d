"""Reports as text for a person: details first, the most important line last."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from itertools import groupby

from sophia_cli.core.diff import line_counts
from sophia_cli.core.findings import Finding, Safety, Severity
from sophia_cli.core.report import CheckReport, CheckResult, FixReport, ReportedFinding, ScanReport, Summary
from sophia_cli.render.diff import unified
from sophia_cli.render.style import Style, Tone, plural, visible

_WIDTH = 100


def scan_text(report: ScanReport, style: Style) -> str:
    """Return the findings by file and the graded summary."""
    shown = [item for item in report.findings if item.finding.severity is not Severity.NOTE or style.verbose]
    notes = sum(item.finding.severity is Severity.NOTE for item in report.findings)
    parts = [_findings(shown, style)]
    if notes and not style.verbose:
        parts.append(style.paint(f"{plural(notes, 'note')} not shown; `-v` shows them", Tone.FAINT) + "\n")
    return _joined([*parts, scan_summary(report, style)])


def scan_summary(report: ScanReport, style: Style) -> str:
    """Return the last lines of a scan: what was looked at, the grade, the findings and what can be done."""
    summary = report.summary
    lines = [_looked_at(summary), _grade(summary, style), _counted(report.findings, style)]
    return "\n".join(lines) + "\n"


def fix_text(report: FixReport, style: Style) -> str:
    """Return the diff, what changed, what remains and why, and how to undo it."""
    changes = report.plan.changes()
    parts = [
        unified(changes, style),
        _applied(report, style),
        _taken_back(report, style),
        _remaining(report.findings, style),
        fix_summary(report, style),
    ]
    return _joined(parts)


def fix_summary(report: FixReport, style: Style) -> str:
    """Return the last lines of a fix."""
    summary = report.summary
    changed = len(report.plan.changes())
    lines = [f"an interrupted run was settled first: {visible(note)}" for note in report.recovered]
    if report.check is not None:
        lines.append(_check(report.check, style))
    if not report.settled:
        lines.append(f"stopped after {plural(report.rounds, 'round')}; another `sophia fix` goes on from here")
    if summary.findings:
        lines.append(_grade(summary, style))
        verb = "would be fixed" if report.dry_run else "fixed"
        left = summary.remaining
        tail = f", {left} {'remains' if left == 1 else 'remain'}" if left else ""
        lines.append(f"{summary.fixed} of {plural(summary.findings, 'finding')} {verb}{tail}")
    if not changed:
        lines.append(_nothing_changed(report, style))
    elif report.dry_run:
        lines.append(style.paint(f"{plural(changed, 'file')} would change; nothing was written", Tone.STRONG))
    else:
        where = f" --project {shlex.quote(report.undo_in)}" if report.undo_in is not None else ""
        done = f"{plural(changed, 'file')} changed, run {report.run_id}. Undo: sophia undo {report.run_id}{where}"
        lines.append(style.paint(done, Tone.STRONG))
    return "\n".join(lines) + "\n"


def finding_text(item: ReportedFinding, style: Style) -> str:
    """Return one finding: place, severity, rule, message, the source line with a caret, and its fix or the reason."""
    finding = item.now or item.finding
    region = finding.region
    place = style.paint(f"{visible(finding.path)}:{region.line}:{region.column}", Tone.STRONG)
    head = f"{place}  {style.severity(finding.severity)}  {finding.rule} {finding.name}  {visible(finding.message)}\n"
    return head + _caret(item.source_line, finding, style) + _fix_note(finding, item.reason, style)


def _findings(items: Sequence[ReportedFinding], style: Style) -> str:
    files = groupby(items, key=lambda item: item.finding.path)
    return "\n".join("".join(finding_text(item, style) for item in group) for _, group in files)


def _caret(source: str | None, finding: Finding, style: Style) -> str:
    """Return the line a finding stands on, cut to a window around the column when it is long, and a caret below it."""
    if source is None or not source.strip():
        return ""
    column = finding.region.column - 1
    first = max(0, column - _WIDTH // 2) if len(source) > _WIDTH else 0
    window = source[first : first + _WIDTH]
    before, rest = window[: max(0, column - first)], window[max(0, column - first) :]
    cut_before, cut_after = "..." if first else "", "..." if first + _WIDTH < len(source) else ""
    number = f"{finding.region.line:>6} | "
    pad = "".join("\t" if character == "\t" else " " for character in visible(before))
    same_line = finding.region.end_line == finding.region.line
    length = min(max(1, finding.region.end_column - finding.region.column), max(1, len(rest))) if same_line else 1
    marks = style.paint("^" * length, Tone.ERROR if finding.severity is Severity.ERROR else Tone.WARNING)
    shown = f"{number}{cut_before}{visible(before)}{visible(rest)}{cut_after}\n"
    return shown + f"{' ' * 6} | {' ' * len(cut_before)}{pad}{marks}\n"


def _fix_note(finding: Finding, reason: str | None, style: Style) -> str:
    lines: list[str] = []
    fix = finding.fix
    if fix is not None:
        lines.append(f"fix ({fix.safety.value}, {fix.confidence:.0%} sure): {fix.title}")
        if style.verbose:
            lines += [f"evidence: {text}" for text in fix.evidence]
        if style.verbose or fix.safety is Safety.MANUAL:
            lines += [f"candidate: {text}" for text in fix.alternatives]
    if reason is not None:
        lines.append(f"remains: {reason}")
    return "".join(style.paint(f"         {visible(line)}", Tone.FAINT) + "\n" for line in lines)


def _looked_at(summary: Summary) -> str:
    text = f"{plural(summary.files, 'file')}, {plural(summary.lines, 'line')}"
    if summary.files_unparsable_before:
        text += f"; {summary.files_unparsable_before} of them cannot be parsed"
    if summary.skipped:
        left_out = ", ".join(f"{skipped.count} {skipped.reason}" for skipped in summary.skipped)
        text += f" (left alone: {left_out})"
    return text


def _grade(summary: Summary, style: Style) -> str:
    grade, before = summary.grade, summary.grade_before
    letters = style.paint(grade.letter.value, Tone.STRONG)
    if before.letter is not grade.letter:
        letters = f"{before.letter.value} -> {letters}"
    scale = style.paint(f"scale: {grade.scale.describe()}; F also when a file does not start", Tone.FAINT)
    measured = f"{grade.measured:g} {grade.scale.unit}; {visible(grade.reason)}"
    return f"grade {letters}  ({measured})\n  {scale}"


def _counted(items: Iterable[ReportedFinding], style: Style) -> str:
    findings = [item.finding for item in items]
    if not findings:
        return style.paint("nothing found", Tone.GOOD)
    counts = {severity: sum(f.severity is severity for f in findings) for severity in Severity}
    text = ", ".join(plural(count, severity.value) for severity, count in counts.items() if count)
    safe = sum(f.fix is not None and f.fix.safety is Safety.SAFE for f in findings)
    unsafe = sum(f.fix is not None and f.fix.safety is Safety.UNSAFE for f in findings)
    if safe:
        text += f"; `sophia fix` mends {safe}"
    if unsafe:
        text += f"{',' if safe else ';'} `sophia fix --unsafe` {unsafe} {'more' if safe else 'of them'}"
    return style.paint(text, Tone.STRONG)


def _applied(report: FixReport, style: Style) -> str:
    lines: list[str] = []
    for change in report.plan.changes():
        added, removed = line_counts(change)
        lines.append(f"{style.paint(visible(change.path), Tone.STRONG)}  +{added} -{removed}")
        steps = [step for step in report.plan.steps if change.path in step.paths]
        fixes = dict.fromkeys(
            (f.name, f.fix) for step in steps for f in step.findings if f.path == change.path and f.fix is not None
        )
        for name, fix in fixes:
            lines.append(f"  {name}: {visible(fix.title)} ({fix.safety.value}, {fix.confidence:.0%} sure)")
            if style.verbose:
                lines += [f"    evidence: {visible(text)}" for text in fix.evidence]
    return "\n".join(lines) + "\n" if lines else ""


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
    return _findings(shown, style)


def _check(check: CheckReport, style: Style) -> str:
    words = {
        CheckResult.PASSED: ("passes before and after", Tone.GOOD),
        CheckResult.FAILED_BEFORE: ("failed already before the fix", Tone.WARNING),
        CheckResult.FAILED: ("fails after the fix", Tone.ERROR),
        CheckResult.NOT_RUN: ("was not run after: nothing changed", Tone.NOTE),
    }
    text, tone = words[check.result]
    if check.result is CheckResult.FAILED_BEFORE and check.passed_after is not None:
        text += " and passes now" if check.passed_after else " and still fails"
    line = f"check `{visible(check.command)}` {style.paint(text, tone)}"
    if check.output and check.result in (CheckResult.FAILED_BEFORE, CheckResult.FAILED):
        line += "".join(f"\n  | {visible(text)}" for text in check.output.splitlines())
    return line


def _nothing_changed(report: FixReport, style: Style) -> str:
    if not report.findings:
        return style.paint("nothing to fix", Tone.GOOD)
    return style.paint("nothing changed", Tone.STRONG)


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)
