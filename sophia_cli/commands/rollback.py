"""`sophia rollback`: returns services to an earlier release."""

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
from sophia_cli.deploy.link.messages import Fields
from sophia_cli.project.clock import SystemClock


def rollback(
    services: Annotated[list[str] | None, Argument(metavar="SERVICE", help="The services to return.")] = None,
    to: Annotated[
        str | None, option("--to", metavar="N", help="The release to return to; the last good one before by default.")
    ] = None,
    all_: Annotated[
        bool, option("--all", help="The emergency brake: every service to its last good release before this one.")
    ] = False,
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
    """Return services to an earlier release, as a rollout: no request is dropped, and it is proved like any other.

    Exits with 4 when a service could not be returned; what ran before goes on then.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    wait_s = seconds(wait, "--wait")
    if bool(services) == all_:
        hint = "`sophia status` lists them with their releases"
        raise UsageError("usage", "name the services to roll back, or give `--all`", hint=hint)
    if to is not None and (not to.isdigit() or len(services or ()) != 1):
        raise UsageError("usage", "`--to` takes the number of a release, of one service")
    state = state_of(project)
    words = ["sophia", "rollback", *(services or ["--all"]), *(["--to", to] if to else [])]
    with operation(state, shlex.join(words), wait_s, starts=True) as link:
        wanted = known_services(link, services or ())
        params: Fields = {"services": names(wanted), "to": None if to is None else int(to)}
        done = perform(link, "rollback", params, StepLines(quiet))
    verdict, code = outcome_of(done.services, DeployVerdict.ROLLED_BACK, is_rollback=True)
    report = DeployReport("rollback", verdict, code, clock.monotonic() - started, done.run_id, done.services)
    return write_report(report, chosen is Format.JSON, quiet, verbose, output)
