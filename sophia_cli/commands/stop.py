"""`sophia stop`: ends services, and keeps them ended."""

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


def stop(
    services: Annotated[list[str] | None, Argument(metavar="SERVICE", help="The services to stop.")] = None,
    all_: Annotated[bool, option("--all", help="Stop all services.")] = False,
    project: InProject = Path(),
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
    asked = Asked(services, all_, project, wait, format_, json, output, quiet, verbose)
    return on_services("stop", DeployVerdict.STOPPED, asked, starts=False)
