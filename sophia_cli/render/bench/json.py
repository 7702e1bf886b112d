"""What `sophia bench` measured, as JSON in the words of the command contract."""

from __future__ import annotations

from sophia_cli.core.measurement import Latency, Measurement
from sophia_cli.core.measurement_comparison import Comparison
from sophia_cli.core.measurement_flow import FlowResult, FlowStep
from sophia_cli.core.measurement_report import BenchReport, BenchRow, Checked, Promise, UnbenchedRow
from sophia_cli.core.measurement_slo import Capacity
from sophia_cli.render.json import Json, document, head_fields

_DIGITS = 4


def bench_json(report: BenchReport) -> str:
    """Return the document of a bench."""
    grade = report.grade
    rows = report.rows
    return document(
        {
            **head_fields("bench", report.verdict.value, int(report.exit_code), report.duration_s, report.run_id),
            "summary": {
                "services": len(report.services),
                "graded": sum(row.grade is not None for row in rows),
                "refused": sum(row.refused is not None for row in rows),
                "unmeasured": len(report.services) - len(rows),
                "requests": sum(row.loaded.requests for row in rows),
                "errors": sum(row.loaded.errors for row in rows),
                "grade": None if grade is None else grade.value,
            },
            "grade": None if grade is None else grade.value,
            "min_grade": None if report.minimum is None else report.minimum.value,
            "services": [
                bench_row(row) if isinstance(row, BenchRow) else _unbenched_row(row) for row in report.services
            ],
        }
    )


def _unbenched_row(row: UnbenchedRow) -> Json:
    error = row.error
    fields = {"reference": error.reference, "message": error.message, "hint": error.hint, "location": error.location}
    nothing: Json = {"requests": 0, "errors": 0, "latency_ms": _latency(None), "grade": None, "refused": None}
    return {"name": row.name, "url": row.url, **nothing, "run_id": None, "error": fields}


def bench_row(row: BenchRow) -> Json:
    """Return one service with all its figures."""
    grade = row.grade
    return {
        "name": row.name,
        "url": row.url,
        "request": row.request,
        **_measured(row.loaded),
        "grade": None if grade is None else grade.letter.value,
        "grade_reason": None if grade is None else grade.reason,
        "scale": row.scale.describe(),
        "target_ms": row.target_ms,
        "refused": row.refused,
        "first_request_ms": _rounded(row.first_ms),
        "idle": None if row.idle is None else _measured(row.idle),
        "slo": None if row.promise is None else _promise(row.promise),
        "capacity": None if row.capacity is None else _capacity(row.capacity),
        "comparison": None if row.comparison is None else _comparison(row.comparison),
        "flow": None if row.flow is None else _flow(row.flow),
        "checks": None if row.checks is None else _checks(row.checks),
        "run_id": row.run_id,
        "error": None,
    }


def _flow(flow: FlowResult) -> Json:
    return {
        "name": flow.name,
        "completed": flow.completed,
        "failed": flow.failed,
        "latency_ms": _latency(flow.latency),
        "steps": [_step(step) for step in flow.steps],
    }


def _step(step: FlowStep) -> Json:
    measured = step.measured
    return {
        "name": step.name,
        "request": step.request,
        "requests": measured.requests,
        "errors": measured.errors,
        "error_rate": round(measured.error_rate, 6),
        "errors_by_kind": {failure.kind: failure.count for failure in measured.failures},
        "first_failure": step.first_failure,
        "latency_ms": _latency(measured.latency),
        "grade": None if step.grade is None else step.grade.letter.value,
        "grade_reason": None if step.grade is None else step.grade.reason,
    }


def _checks(checks: Checked) -> Json:
    failed = [{"name": check.name, "message": check.message} for check in checks.failed]
    return {"passed": checks.passed, "failed": failed}


def _comparison(comparison: Comparison) -> Json:
    return {
        "baseline": comparison.baseline,
        "change": comparison.change.value,
        "reason": comparison.reason,
        "shift": _rounded(comparison.shift),
        "shift_low": _rounded(comparison.shift_low),
        "shift_high": _rounded(comparison.shift_high),
        "probability": comparison.probability,
        "windows": list(comparison.windows),
        "windows_needed": comparison.windows_needed,
    }


def _promise(promise: Promise) -> Json:
    return {
        "objectives": [str(objective) for objective in promise.objectives],
        "kept": promise.kept.value,
        "reason": promise.reason,
    }


def _capacity(capacity: Capacity) -> Json:
    return {
        "rate": _rounded(capacity.rate),
        "breached_at": _rounded(capacity.breached_at),
        "confident": capacity.is_sure,
        "limit": capacity.limit,
        "trials": [
            {
                "rate": _rounded(trial.rate),
                "kept": trial.kept.value,
                "requests": trial.requests,
                "errors": trial.errors,
                "latency_ms": _rounded(trial.latency_ms),
                "reason": trial.reason,
            }
            for trial in capacity.trials
        ],
    }


def _measured(measured: Measurement) -> Json:
    client = measured.client
    return {
        "connections": measured.connections,
        "rate": measured.rate,
        "duration_s": _rounded(measured.duration_s),
        "requests": measured.requests,
        "errors": measured.errors,
        "error_rate": round(measured.error_rate, 6),
        "errors_by_kind": {failure.kind: failure.count for failure in measured.failures},
        "statuses": {str(status.status): status.count for status in measured.statuses},
        "throughput_rps": round(measured.throughput_rps, 2),
        "achieved": _rounded(measured.achieved),
        "latency_ms": _latency(measured.latency),
        "upper_bound_ms": {
            "p50": _rounded(measured.bounds.p50),
            "p95": _rounded(measured.bounds.p95),
            "p99": _rounded(measured.bounds.p99),
        },
        "apdex": _rounded(measured.apdex),
        "warm_up": {"duration_s": _rounded(measured.warm_up_s), "steady": measured.was_steady},
        "client": {
            "cpu_us_per_request": round(client.cpu_us_per_request, 2),
            "bound": client.is_bound,
            "reason": None if client.refusal is None else str(client.refusal),
            "processes": client.processes,
            "core_share": _rounded(client.busiest),
            "waited_share": _rounded(client.waited),
            "stolen_share": _rounded(client.stolen),
            "pacing_lag_p99_ms": _rounded(client.lag_p99_ms),
        },
        "windows": [
            {
                "start_s": _rounded(second.start_s),
                "duration_s": _rounded(second.length_s),
                "answers": second.answers,
                "errors": second.failures,
                "p50": _rounded(second.p50),
                "p95": _rounded(second.p95),
                "p99": _rounded(second.p99),
            }
            for second in measured.seconds
        ],
    }


def _latency(latency: Latency | None) -> Json:
    names = ("p50", "p90", "p95", "p99", "p999", "max", "mean")
    return {name: None if latency is None else _rounded(getattr(latency, name)) for name in names}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
