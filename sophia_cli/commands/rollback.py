"""`sophia rollback`: returns services to an earlier release."""

from __future__ import annotations

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
)
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.commands.operating.on_services import Asked, on_services
from sophia_cli.core.deploy_report import DeployVerdict
from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.link.messages import Fields


def rollback(
    services: Annotated[list[str] | None, Argument(metavar="SERVICE", help="The services to return.")] = None,
    to: Annotated[
        str | None, option("--to", metavar="N", help="The release to return to; the last good one before by default.")
    ] = None,
    all_: Annotated[
        bool, option("--all", help="The emergency brake: every service to its last good release before this one.")
    ] = False,
    project: InProject = Path(),
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
    if to is not None and (not to.isdigit() or len(services or ()) != 1):
        raise UsageError("usage", "`--to` takes the number of a release, of one service")
    asked = Asked(services, all_, project, wait, format_, json, output, quiet, verbose)
    more: Fields = {"to": None if to is None else int(to)}
    return on_services("rollback", DeployVerdict.ROLLED_BACK, asked, starts=True, more=more)
