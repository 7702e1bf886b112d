"""`sophia deploy`: brings the services to what the working tree is now, one at a time, without dropping a request."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

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
from sophia_cli.commands.deploying.asked import Asked
from sophia_cli.commands.operating.declared import check_declared
from sophia_cli.commands.operating.operation import state_of, write_report
from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.link.starting import Reaching
from sophia_cli.project.clock import SystemClock


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
    asked = Asked(project, tuple(services or ()), all_, env, strict, _percent(canary))
    if incremental and all_:
        raise UsageError("usage", "`--incremental` and `--all` contradict each other", hint="give one of them")
    progress = ProgressLine(sys.stderr, clock, os.environ, quiet or plan)
    state = state_of(project)
    check_declared(state.root)
    if plan:
        from sophia_cli.commands.deploying.planning import plan_deployment

        report = plan_deployment(asked, state, progress, clock, started)
    else:
        # The agent starts while the rest is imported and the project is read.
        reaching = Reaching(state)

        from sophia_cli.commands.deploying.performing import Deployer

        report = Deployer(asked, state, reaching, progress, clock, started).deploy(wait_s, quiet)
    return write_report(report, chosen is Format.JSON, quiet, verbose, output)


def _percent(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise UsageError(
            "usage", f"`--canary {text}` is no percentage", hint="write a whole number, such as `--canary 10`"
        )
    return int(text)
