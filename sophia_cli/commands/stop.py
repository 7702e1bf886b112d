"""`sophia stop`: ends services, and keeps them ended."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from sophia_cli.commands._operation import (
    StepLines,
    known_services,
    names,
    operation,
    outcome_of,
    perform,
    state_of,
    write_report,
)
from sophia_cli.commands._options import FormatOption, Json, OutputFile, Quiet, Verbose, Wait, Yes, seconds
from sophia_cli.commands._output import Format, chosen_format
from sophia_cli.commands._parameters import Argument, option
from sophia_cli.core.deploy_report import DeployReport, DeployVerdict
from sophia_cli.core.errors import UsageError
from sophia_cli.project.clock import SystemClock


def stop(
    services: Annotated[list[str] | None, Argument(metavar="SERVICE", help="The services to stop.")] = None,
    all_: Annotated[bool, option("--all", help="Stop all services.")] = False,
    project: Annotated[
        Path,
        option("--project", metavar="PATH", help="A path in the project, when it is not the current folder."),
    ] = Path(),
    wait: Wait = "10m",
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Stop services: open requests are finished up to the drain timeout, then the processes end.

    They stay stopped until `sophia deploy` or `sophia restart` starts them. Those that depend on others end first.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    wait_s = seconds(wait, "--wait")
    if bool(services) == all_:
        raise UsageError("usage", "name the services to stop, or give `--all`", hint="`sophia status` lists them")
    state = state_of(project)
    command = shlex.join(["sophia", "stop", *(services or ["--all"])])
    with operation(state, command, wait_s, starts=False) as link:
        wanted = known_services(link, services or ())
        done = perform(link, "stop", {"services": names(wanted)}, StepLines(quiet))
    verdict, code = outcome_of(done.services, DeployVerdict.STOPPED)
    report = DeployReport("stop", verdict, code, clock.monotonic() - started, done.run_id, done.services)
    return write_report(report, chosen is Format.JSON, quiet, verbose, output)
