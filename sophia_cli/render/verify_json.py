"""What `sophia verify` saw, as JSON in the words of the command contract."""

from __future__ import annotations

from sophia_cli.core.checks import VerifyReport
from sophia_cli.render.json import document, head_fields


def verify_json(report: VerifyReport) -> str:
    """Return the document of a verification."""
    failed = len(report.failed)
    return document(
        {
            **head_fields("verify", report.verdict.value, int(report.exit_code), report.duration_s, None),
            "summary": {
                "services": len(report.services),
                "checks": len(report.checks),
                "passed": len(report.checks) - failed,
                "failed": failed,
                "skipped": len(report.skipped),
                "listed": len(report.listed),
            },
            "services": [{"name": service.name, "url": service.url} for service in report.services],
            "checks": [
                {
                    "service": check.service,
                    "name": check.name,
                    "kind": check.kind.value,
                    "passed": check.passed,
                    "message": check.message,
                    "duration_ms": check.duration_ms,
                }
                for check in report.checks
            ],
            "skipped": [{"service": one.service, "name": one.name, "reason": one.reason} for one in report.skipped],
            "listed": [{"service": one.service, "name": one.name, "kind": one.kind.value} for one in report.listed],
        }
    )
