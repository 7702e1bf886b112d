"""What a deployment did, as JSON."""

from __future__ import annotations

from sophia_cli.core.deploy_report import DeployReport, ServiceAction, ServiceReport, Trouble
from sophia_cli.core.report import SCHEMA_VERSION
from sophia_cli.render.json import document


def deploy_json(report: DeployReport) -> str:
    """Return the document of a deployment, a restart, a rollback or a stop."""
    return document(
        {
            "schema_version": SCHEMA_VERSION,
            "command": report.command,
            "verdict": report.verdict.value,
            "exit_code": int(report.exit_code),
            "duration_s": round(report.duration_s, 3),
            "run_id": report.run_id,
            "environment": report.environment or None,
            "summary": {
                action.value.replace("-", "_"): sum(service.action is action for service in report.services)
                for action in ServiceAction
            },
            "services": [_service(service) for service in report.services],
            "notes": list(report.notes),
        }
    )


def _service(service: ServiceReport) -> dict[str, object]:
    return {
        "name": service.name,
        "action": service.action.value,
        "reason": "; ".join(service.reasons) or None,
        "reasons": list(service.reasons),
        "release": service.release,
        "previous": service.previous,
        "port": service.port,
        "pid": service.pid,
        "duration_s": round(service.duration_s, 3),
        "steps": [
            {
                "name": step.name,
                "instance": step.instance,
                "passed": step.passed,
                "duration_s": round(step.duration_s, 4),
                "detail": step.detail,
            }
            for step in service.steps
        ],
        "trouble": None if service.trouble is None else _trouble(service.trouble),
    }


def _trouble(trouble: Trouble) -> dict[str, object]:
    return {
        "cause": trouble.cause,
        "last_probe": trouble.last_probe,
        "log": list(trouble.log_lines),
        "hint": trouble.hint,
    }
