"""`sophia deploy`: brings the services to what the working tree is now, one at a time, without dropping a request."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sophia_cli.commands.command_line.options import (
    FormatOption,
    InProject,
    Json,
    OutputFile,
    Quiet,
    Verbose,
    Wait,
    Yes,
    seconds,
)
from sophia_cli.commands.command_line.output import Format, chosen_format
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.commands.command_line.progress import ProgressLine
from sophia_cli.commands.operating.declared import check_declared
from sophia_cli.commands.operating.operation import (
    Early,
    Operated,
    StepLines,
    operation,
    outcome_of,
    perform,
    state_of,
    write_report,
)
from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.link.messages import Fields
from sophia_cli.deploy.link.messages import Json as JsonValue
from sophia_cli.deploy.link.starting import Reaching
from sophia_cli.project.clock import SystemClock

if TYPE_CHECKING:
    from sophia_cli.commands.deploying.workshop import Prepared, Workshop


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
    check_declared(state.root)

    def read_project() -> Workshop:
        from sophia_cli.commands.deploying.strict import strict_wish
        from sophia_cli.commands.deploying.workshop import open_workshop

        return open_workshop(project, env, progress.say, strict_wish(services or (), strict, percent))

    if plan:
        from sophia_cli.commands.deploying.report import planned_report
        from sophia_cli.commands.deploying.workshop import conditions, planned
        from sophia_cli.commands.operating.status import project_status
        from sophia_cli.deploy.plan import Wanted

        wanted = Wanted(tuple(services or ()), all_)
        workshop = read_project()
        progress.clear()
        found = planned(workshop, project_status(state, ()).services, wanted)
        workshop.project.keep()
        report = planned_report(found, env or "", clock.monotonic() - started, conditions(workshop))
        return write_report(report, chosen is Format.JSON, quiet, verbose, output)
    command = shlex.join(["sophia", "deploy", *(services or ()), *_words(all_, strict, canary)])
    notes: list[str] = []

    def prepare() -> Prepared:
        from sophia_cli.commands.deploying.workshop import Prepared, prepared
        from sophia_cli.deploy.plan import Wanted

        workshop, wanted = read_project(), Wanted(tuple(services or ()), all_)
        return prepared(workshop, wanted, clock, progress.say) if reaching.is_starting else Prepared(workshop, wanted)

    # Reading the project takes about as long as the agent takes to start, so neither waits for the other.
    reaching = Reaching(state)
    preparing = Early(prepare)
    with operation(state, command, wait_s, starts=True, reaching=reaching, early=preparing) as link:
        from sophia_cli.commands.deploying.workshop import conditions, prune_releases, secrets_for
        from sophia_cli.commands.operating.status import agent_settled, agent_status

        ready = preparing.result()
        workshop = ready.workshop
        found, made = ready.followed(agent_status(link).services, clock, progress.say)
        notes += [note.sentence for note in found.notes]
        notes += conditions(workshop)
        notes += agent_settled(link, workshop.project.settings.agent)
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
        from sophia_cli.commands.deploying.notes import files_left_behind, not_well, passed_over

        running = agent_status(link).services
        notes += [f"{service.name}: {note}" for service in running for note in service.notes]
        notes += files_left_behind(state, found, done.services)
        notes += not_well(done.services, {service.name: service for service in running})
        notes += prune_releases(workshop, running, clock)
    from sophia_cli.commands.deploying.report import joined
    from sophia_cli.commands.operating.hints import with_hints
    from sophia_cli.core.deploy_report import DeployReport, DeployVerdict

    workshop.project.keep()
    reports = joined(found, done.services, {service.name: (service.port, service.pid) for service in running})
    notes += passed_over(reports)
    verdict, code = outcome_of(reports, DeployVerdict.DEPLOYED if found.changes_something else DeployVerdict.UNCHANGED)
    report = DeployReport(
        "deploy", verdict, code, clock.monotonic() - started, done.run_id, reports, env or "", tuple(notes)
    )
    report = with_hints(report, state.root, {service.name: service.cwd for service in workshop.services})
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
