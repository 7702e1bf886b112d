"""Reports as JSON documents in the words of the command contract, one finding a line."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sophia_cli.core.damage import Damage
from sophia_cli.core.findings import Fix
from sophia_cli.core.grades import Grade
from sophia_cli.core.report import SCHEMA_VERSION, ReportedFinding, ScanReport, Summary

Json = Mapping[str, object]


def scan_json(report: ScanReport) -> str:
    """Return the document of a scan."""
    return document(
        {
            **head_fields("scan", report.verdict.value, int(report.exit_code), report.duration_s, None),
            "summary": summary_fields(report.summary),
            "findings": [reported_fields(item) for item in report.findings],
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


def head_fields(command: str, verdict: str, exit_code: int, duration_s: float, run_id: str | None) -> Json:
    """Return the fields that every document begins with."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "verdict": verdict,
        "exit_code": exit_code,
        "duration_s": round(duration_s, 3),
        "run_id": run_id,
    }


def summary_fields(summary: Summary) -> Json:
    """Return the figures of a scan or a fix."""
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
        "damage": [_damage(damage) for damage in summary.damage],
        "history_stopped": summary.history_stopped,
    }


def _damage(damage: Damage) -> Json:
    return {
        "commit": damage.commit,
        "summary": damage.summary,
        "files": damage.files,
        "example": damage.example,
        "kinds": [{"damage": kind.damage, "files": kind.files} for kind in damage.kinds],
    }


def _grade(grade: Grade | None) -> Json | None:
    if grade is None:
        return None
    return {
        "letter": grade.letter.value,
        "measured": grade.measured,
        "unit": grade.scale.unit,
        "scale": grade.scale.describe(),
        "reason": grade.reason,
    }


def reported_fields(item: ReportedFinding) -> Json:
    """Return a finding and what became of it."""
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
