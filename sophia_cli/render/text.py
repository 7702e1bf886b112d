"""Findings and scans as text for a person: details first, the most important line last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from sophia_cli.core.findings import Finding, Safety, Severity
from sophia_cli.core.report import ReportedFinding, ScanReport, Summary
from sophia_cli.render.style import Style, Tone, plural, visible

_WIDTH = 100
_SHORT_COMMIT = 10
_MOST_KINDS = 3


def scan_text(report: ScanReport, style: Style) -> str:
    """Return the findings by file and the graded summary."""
    shown = [item for item in report.findings if item.finding.severity is not Severity.NOTE or style.verbose]
    notes = sum(item.finding.severity is Severity.NOTE for item in report.findings)
    parts = [findings_text(shown, style)]
    if notes and not style.verbose:
        parts.append(style.paint(f"{plural(notes, 'note')} not shown; `-v` shows them", Tone.FAINT) + "\n")
    return joined([*parts, scan_summary(report, style)])


def scan_summary(report: ScanReport, style: Style) -> str:
    """Return the last lines of a scan: what was looked at, the grade, the findings and what can be done."""
    summary = report.summary
    counted = _counted(report.findings, style)
    if not summary.files and not report.findings:
        counted = style.paint("no Python file was there to look at", Tone.WARNING)
    lines = [_looked_at(summary), *damage_lines(summary), grade_text(summary, style), counted]
    return "\n".join(lines) + "\n"


def finding_text(item: ReportedFinding, style: Style) -> str:
    """Return one finding: place, severity, rule, message, the source line with a caret, and its fix or the reason."""
    finding = item.now or item.finding
    region = finding.region
    place = style.paint(f"{visible(finding.path)}:{region.line}:{region.column}", Tone.STRONG)
    head = f"{place}  {style.severity(finding.severity)}  {finding.rule} {finding.name}  {visible(finding.message)}\n"
    return head + _caret(item.source_line, finding, style) + _fix_note(finding, item.reason, style)


def findings_text(items: Sequence[ReportedFinding], style: Style) -> str:
    """Return the findings, an empty line between files."""
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


def damage_lines(summary: Summary) -> list[str]:
    """Return a line for every commit that broke several files the same way, with the most frequent kinds of damage."""
    lines = []
    for damage in summary.damage:
        who = "work that is not committed"
        if damage.commit is not None:
            who = f"commit {damage.commit[:_SHORT_COMMIT]} ({visible(damage.summary or '')})"
        kinds = ", ".join(f"{visible(kind.damage)} ({kind.files})" for kind in damage.kinds[:_MOST_KINDS])
        more = f" and {plural(rest, 'other kind')}" if (rest := len(damage.kinds) - _MOST_KINDS) > 0 else ""
        lines.append(f"{who} broke {plural(damage.files, 'file')} the same way: {kinds}{more}")
    return lines


def grade_text(summary: Summary, style: Style) -> str:
    """Return the grade, before and after where they differ, with its measurement and its scale."""
    grade, before = summary.grade, summary.grade_before
    if grade is None or before is None:
        return "no grade: there was nothing to measure"
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


def joined(parts: Iterable[str]) -> str:
    """Return the parts that hold something, with an empty line between them."""
    return "\n".join(part for part in parts if part)
