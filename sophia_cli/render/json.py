"""Reports as JSON documents in the words of the command contract, one finding a line."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sophia_cli.core.diff import line_counts
from sophia_cli.core.findings import Finding, Fix
from sophia_cli.core.grades import Grade
from sophia_cli.core.plan import ChangedFile, Step
from sophia_cli.core.report import SCHEMA_VERSION, CheckReport, FixReport, ReportedFinding, ScanReport, Summary
from sophia_cli.render.diff import unified
from sophia_cli.render.style import Style

Json = Mapping[str, object]


def scan_json(report: ScanReport) -> str:
    """Return the document of a scan."""
    return document(
        {
            **_head("scan", report.verdict.value, int(report.exit_code), report.duration_s, None),
            "summary": _summary(report.summary),
            "findings": [_reported(item) for item in report.findings],
        }
    )


def fix_json(report: FixReport) -> str:
    """Return the document of a fix; `changes[].diff` is the change as a unified diff."""
    return document(
        {
            **_head("fix", report.verdict.value, int(report.exit_code), report.duration_s, report.run_id),
            "dry_run": report.dry_run,
            "rounds": report.rounds,
            "settled": report.settled,
            "recovered": list(report.recovered),
            "check": None if report.check is None else _check(report.check),
            "summary": {**_summary(report.summary), "files_changed": len(report.plan.changes())},
            "changes": [_change(change) for change in report.plan.changes()],
            "steps": [_step(step) for step in report.plan.steps],
            "taken_back": [
                {"title": item.title, "reason": item.reason, "findings": [_place(f) for f in item.findings]}
                for item in report.taken_back
            ],
            "findings": [_reported(item) for item in report.findings],
        }
    )


def document(fields: Json) -> str:
    """Return one JSON object: a line for every field, and for every item of a list of objects."""
    lines = [f"  {json.dumps(name)}: {_field(value)}" for name, value in fields.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _field(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return "[\n" + ",\n".join("    " + json.dumps(item) for item in value) + "\n  ]"
    return json.dumps(value)


def _head(command: str, verdict: str, exit_code: int, duration_s: float, run_id: str | None) -> Json:
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "verdict": verdict,
        "exit_code": exit_code,
        "duration_s": round(duration_s, 3),
        "run_id": run_id,
    }


def _summary(summary: Summary) -> Json:
    return {
        "files": summary.files,
        "files_unparsable_before": summary.files_unparsable_before,
        "files_unparsable_after": summary.files_unparsable_after,
        "lines": summary.lines,
        "findings": summary.findings,
        "fixed": summary.fixed,
        "remaining": summary.remaining,
        "by_rule": {count.rule: count.count for count in summary.by_rule},
        "skipped": {skipped.reason: skipped.count for skipped in summary.skipped},
        "grade": _grade(summary.grade),
        "grade_before": _grade(summary.grade_before),
    }


def _grade(grade: Grade) -> Json:
    return {
        "letter": grade.letter.value,
        "measured": grade.measured,
        "unit": grade.scale.unit,
        "scale": grade.scale.describe(),
        "reason": grade.reason,
    }


def _reported(item: ReportedFinding) -> Json:
    finding = item.finding
    return {
        "rule": finding.rule,
        "name": finding.name,
        "category": finding.category.value,
        "severity": finding.severity.value,
        "path": finding.path,
        "line": finding.region.line,
        "column": finding.region.column,
        "end_line": finding.region.end_line,
        "end_column": finding.region.end_column,
        "message": finding.message,
        "data": dict(finding.data),
        "fix": None if finding.fix is None else _fix(finding.fix),
        "applied": item.applied,
        "revealed": finding.revealed,
        "remains": item.now is not None,
        "reason": item.reason,
    }


def _fix(fix: Fix) -> Json:
    return {
        "title": fix.title,
        "safety": fix.safety.value,
        "evidence": list(fix.evidence),
        "confidence": fix.confidence,
        "alternatives": list(fix.alternatives),
    }


def _change(change: ChangedFile) -> Json:
    added, removed = line_counts(change)
    return {"path": change.path, "added": added, "removed": removed, "diff": unified([change], Style())}


def _step(step: Step) -> Json:
    return {
        "number": step.number,
        "title": step.title,
        "paths": list(step.paths),
        "findings": [_place(finding) for finding in step.findings],
    }


def _place(finding: Finding) -> Json:
    return {"rule": finding.rule, "name": finding.name, "path": finding.path, "line": finding.region.line}


def _check(check: CheckReport) -> Json:
    return {
        "command": check.command,
        "result": check.result.value,
        "passed_before": check.passed_before,
        "passed_after": check.passed_after,
        "runs": check.runs,
        "output": check.output,
    }
