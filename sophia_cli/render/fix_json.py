"""What `sophia fix` did, as a JSON document."""

from __future__ import annotations

from sophia_cli.core.diff import line_counts
from sophia_cli.core.findings import Finding
from sophia_cli.core.fix_report import CheckReport, FixReport
from sophia_cli.core.plan import ChangedFile, Step
from sophia_cli.render.diff import unified
from sophia_cli.render.json import Json, document, head_fields, reported_fields, summary_fields
from sophia_cli.render.packages import packages_fields
from sophia_cli.render.style import Style


def fix_json(report: FixReport) -> str:
    """Return the document of a fix; `changes[].diff` is the change as a unified diff."""
    return document(
        {
            **head_fields("fix", report.verdict.value, int(report.exit_code), report.duration_s, report.run_id),
            "dry_run": report.dry_run,
            "rounds": report.rounds,
            "settled": report.settled,
            "recovered": list(report.recovered),
            "unlinked": list(report.unlinked),
            "check": None if report.check is None else _check(report.check),
            "packages": packages_fields(report.packages),
            "summary": {**summary_fields(report.summary), "files_changed": len(report.plan.changes())},
            "changes": [_change(change) for change in report.plan.changes()],
            "steps": [_step(step) for step in report.plan.steps],
            "taken_back": [
                {"title": item.title, "reason": item.reason, "findings": [_place(f) for f in item.findings]}
                for item in report.taken_back
            ],
            "findings": [reported_fields(item) for item in report.findings],
        }
    )


def _change(change: ChangedFile) -> Json:
    added, removed = line_counts(change)
    return {
        "path": change.path,
        "created": change.is_created,
        "added": added,
        "removed": removed,
        "diff": unified([change], Style()),
    }


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
        "steady": check.steady,
        "altered": list(check.altered),
    }
