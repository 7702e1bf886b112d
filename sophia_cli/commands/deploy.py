"""`sophia deploy`: brings the services to what the working tree is now, one at a time, without dropping a request."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sophia_cli.commands._operation import (
    Early,
    Operated,
    StepLines,
    operation,
    outcome_of,
    perform,
    state_of,
    write_report,
)
from sophia_cli.commands._options import FormatOption, InProject, Json, OutputFile, Quiet, Verbose, Wait, Yes, seconds
from sophia_cli.commands._output import Format, chosen_format
from sophia_cli.commands._parameters import Argument, option
from sophia_cli.commands._progress import ProgressLine
from sophia_cli.core.deploy_report import DeployReport, DeployVerdict, ServiceAction, ServiceReport, StepReport
from sophia_cli.core.errors import ExitCode, UsageError
from sophia_cli.deploy.link.messages import Fields
from sophia_cli.deploy.link.messages import Json as JsonValue
from sophia_cli.project.clock import SystemClock

if TYPE_CHECKING:
    from sophia_cli.commands._deploying import Workshop


def deploy(
    services: Annotated[
        list[str] | None, Argument(metavar="SERVICE", help="Services of the settings; all when left out.")
    ] = None,
    incremental: Annotated[
        bool, option("--incremental", help="Deploy what changed and nothing else; this is the default.")
    ] = False,
    all_: Annotated[bool, option("--all", help="Deploy services that did not change, too.")] = False,
    plan: Annotated[bool, option("--plan", help="Show what would happen and why; change nothing.")] = False,
    strict: Annotated[
        bool, option("--strict", help="Put HAProxy in front: what a dying instance leaves unanswered is sent again.")
    ] = False,
    canary: Annotated[
        str | None,
        option("--canary", metavar="PERCENT", help="The share of requests that a strict service's release gets first."),
    ] = None,
    env: Annotated[
        str | None, option("--env", metavar="NAME", help="The environment of the settings to deploy for.")
    ] = None,
    project: InProject = Path(),
    wait: Wait = "10m",
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Deploy the services that changed, in the order in which they depend on one another, one at a time.

    Each gets an immutable release, proves itself on a private address, takes over the public one, and only then the
    old one finishes its requests and ends. A service that fails is rolled back: exit code 3, what served serves on.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    wait_s = seconds(wait, "--wait")
    percent = _percent(canary)
    if incremental and all_:
        raise UsageError("usage", "`--incremental` and `--all` contradict each other", hint="give one of them")
    progress = ProgressLine(sys.stderr, clock, os.environ, quiet or plan)
    state = state_of(project)

    def read_project() -> Workshop:
        from sophia_cli.commands._deploying import open_workshop
        from sophia_cli.commands._strict import strict_wish

        return open_workshop(project, env, progress.say, strict_wish(services or (), strict, percent))

    if plan:
        from sophia_cli.commands._deploying import conditions, planned
        from sophia_cli.commands._status import project_status
        from sophia_cli.deploy.plan import Wanted

        wanted = Wanted(tuple(services or ()), all_)
        workshop = read_project()
        progress.clear()
        found = planned(workshop, project_status(state, ()).services, wanted)
        report = _planned_report(found, env or "", clock.monotonic() - started, conditions(workshop))
        return write_report(report, chosen is Format.JSON, quiet, verbose, output)
    command = shlex.join(["sophia", "deploy", *(services or ()), *_words(all_, strict, canary)])
    notes: list[str] = []
    # Reading the project takes about as long as the agent takes to start, so neither waits for the other.
    reading = Early(read_project)
    with operation(state, command, wait_s, starts=True, early=reading) as link:
        from sophia_cli.commands._deploying import conditions, make_releases, planned, prune_releases, secrets_for
        from sophia_cli.commands._status import agent_status
        from sophia_cli.deploy.plan import Wanted

        wanted = Wanted(tuple(services or ()), all_)
        workshop = reading.result()
        found = planned(workshop, agent_status(link).services, wanted)
        notes += [note.sentence for note in found.notes]
        notes += conditions(workshop)
        made = make_releases(workshop, found, clock, progress.say)
        progress.clear()
        lines = StepLines(quiet)
        done = Operated(None, ())
        if made:
            releases: list[JsonValue] = [{"service": release.name, "release": release.number} for release in made]
            params: Fields = {"releases": releases, "secrets": secrets_for(workshop, made)}
            done = perform(link, "rollout", params, lines)
        if found.to_remove and not any(report.trouble for report in done.services):
            names = [service.name for service in found.to_remove]
            removed = perform(link, "remove", {"services": list(names)}, lines)
            done = Operated(done.run_id or removed.run_id, (*done.services, *removed.services))
        running = agent_status(link).services
        notes += [f"{service.name}: {note}" for service in running for note in service.notes]
        notes += prune_releases(workshop, running, clock)
    reports = _joined(found, done.services, {service.name: (service.port, service.pid) for service in running})
    verdict, code = outcome_of(reports, DeployVerdict.DEPLOYED if found.changes_something else DeployVerdict.UNCHANGED)
    report = DeployReport(
        "deploy", verdict, code, clock.monotonic() - started, done.run_id, reports, env or "", tuple(notes)
    )
    return write_report(report, chosen is Format.JSON, quiet, verbose, output)


def _percent(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise UsageError(
            "usage", f"`--canary {text}` is no percentage", hint="write a whole number, such as `--canary 10`"
        )
    return int(text)


def _words(all_: bool, strict: bool, canary: str | None) -> list[str]:
    """Return the options that others who wait are told of."""
    flags = [*(["--all"] if all_ else []), *(["--strict"] if strict else [])]
    return [*flags, *([f"--canary={canary}"] if canary is not None else [])]


def _planned_report(found: object, environment: str, duration_s: float, notes: Sequence[str]) -> DeployReport:
    from sophia_cli.deploy.plan import DeploymentPlan
    from sophia_cli.deploy.previews import preview

    assert isinstance(found, DeploymentPlan)
    reports = tuple(
        ServiceReport(
            name=service.name,
            action=_PLANNED[service.action.value],
            reasons=tuple(reason.sentence for reason in service.reasons),
            release=service.previous,
            previous=service.previous,
            port=None if service.candidate is None else service.candidate.service.port,
            steps=tuple(StepReport(step.step.value, step.instance, True, 0.0) for step in preview(service)),
        )
        for service in found.services
    )
    changes = found.changes_something
    return DeployReport(
        command="deploy",
        verdict=DeployVerdict.PLANNED if changes else DeployVerdict.UNCHANGED,
        exit_code=ExitCode.FINDINGS if changes else ExitCode.DONE,
        duration_s=duration_s,
        run_id=None,
        services=reports,
        environment=environment,
        notes=(*(note.sentence for note in found.notes), *notes),
    )


_PLANNED = {
    "deploy": ServiceAction.PLANNED,
    "unchanged": ServiceAction.UNCHANGED,
    "removed": ServiceAction.PLANNED,
}


def _joined(
    found: object, done: Sequence[ServiceReport], running: dict[str, tuple[int | None, int | None]]
) -> tuple[ServiceReport, ...]:
    """Return the reports of all services in the order of the plan, with the reasons of the plan."""
    from sophia_cli.core.values import replace
    from sophia_cli.deploy.plan import DeploymentPlan

    assert isinstance(found, DeploymentPlan)
    by_name = {report.name: report for report in done}
    reports: list[ServiceReport] = []
    for service in found.services:
        port, pid = running.get(service.name, (None, None))
        unchanged = ServiceReport(service.name, ServiceAction.UNCHANGED, release=service.previous)
        report = by_name.get(service.name, unchanged)
        reasons = tuple(reason.sentence for reason in service.reasons)
        reports.append(replace(report, reasons=reasons or report.reasons, port=port, pid=pid))
    return tuple(reports)
