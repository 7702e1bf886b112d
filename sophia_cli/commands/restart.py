"""`sophia restart`: a rollout of the release that runs."""

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


def restart(
    services: Annotated[list[str] | None, Argument(metavar="SERVICE", help="The services to restart.")] = None,
    all_: Annotated[bool, option("--all", help="Restart all services, one after the other.")] = False,
    project: InProject = Path(),
    wait: Wait = "10m",
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Restart services without dropping a request: the same release comes in as a new one would.

    What was stopped is started. When the new instances do not come up, the old ones go on and the exit code is 3.
    """
    asked = Asked(services, all_, project, wait, format_, json, output, quiet, verbose)
    return on_services("restart", DeployVerdict.RESTARTED, asked, starts=True)
