"""Reports of deployments: of one that is planned, and of one that was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sophia_cli.commands.deploying.notes import passed_over
from sophia_cli.commands.operating.operation import Operated, outcome_of
from sophia_cli.core.deploy_report import DeployReport, DeployVerdict, ServiceAction, ServiceReport, StepReport
from sophia_cli.core.errors import ExitCode
from sophia_cli.core.service_status import ServiceStatus
from sophia_cli.core.values import replace
from sophia_cli.deploy.plan import DeploymentPlan
from sophia_cli.deploy.previews import preview

_PLANNED = {
    "deploy": ServiceAction.PLANNED,
    "start": ServiceAction.PLANNED,
    "unchanged": ServiceAction.UNCHANGED,
    "removed": ServiceAction.PLANNED,
}


def planned_report(plan: DeploymentPlan, environment: str, duration_s: float, notes: Sequence[str]) -> DeployReport:
    """Return the report of what a deployment would do."""
    reports = tuple(
        ServiceReport(
            name=service.name,
            action=_PLANNED[service.action.value],
            reasons=tuple(reason.sentence for reason in service.reasons),
            release=service.previous,
            previous=service.previous,
            port=None if service.candidate is None else service.candidate.service.port,
            steps=tuple(StepReport(step.step.value, step.instance, True, 0.0) for step in preview(service)),
            is_asked=service.is_asked,
        )
        for service in plan.services
    )
    changes = plan.changes_something
    return DeployReport(
        command="deploy",
        verdict=DeployVerdict.PLANNED if changes else DeployVerdict.UNCHANGED,
        exit_code=ExitCode.FINDINGS if changes else ExitCode.DONE,
        duration_s=duration_s,
        run_id=None,
        services=reports,
        environment=environment,
        notes=(*(note.sentence for note in plan.notes), *notes),
    )


def done_report(
    plan: DeploymentPlan,
    done: Operated,
    running: Sequence[ServiceStatus],
    notes: Sequence[str],
    *,
    environment: str,
    duration_s: float,
) -> DeployReport:
    """Return the report of what was done, given the services as they are afterwards."""
    reports = _joined(plan, done.services, {service.name: (service.port, service.pid) for service in running})
    verdict, code = outcome_of(reports, DeployVerdict.DEPLOYED if plan.changes_something else DeployVerdict.UNCHANGED)
    notes = (*notes, *passed_over(reports))
    return DeployReport("deploy", verdict, code, duration_s, done.run_id, reports, environment, notes)


def _joined(
    plan: DeploymentPlan, done: Sequence[ServiceReport], running: Mapping[str, tuple[int | None, int | None]]
) -> tuple[ServiceReport, ...]:
    """Return the reports of all services in the order of the plan, with the reasons of the plan."""
    by_name = {report.name: report for report in done}
    reports: list[ServiceReport] = []
    for service in plan.services:
        port, pid = running.get(service.name, (None, None))
        unchanged = ServiceReport(service.name, ServiceAction.UNCHANGED, release=service.previous)
        report = by_name.get(service.name, unchanged)
        reasons = tuple(reason.sentence for reason in service.reasons) or report.reasons
        reports.append(replace(report, reasons=reasons, port=port, pid=pid, is_asked=service.is_asked))
    return tuple(reports)
