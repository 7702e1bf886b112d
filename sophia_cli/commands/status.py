"""`sophia status`: how the services are."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.options import FormatOption, InProject, Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, has_colours, say, write_result
from sophia_cli.commands.command_line.parameters import Argument
from sophia_cli.commands.operating.operation import state_of
from sophia_cli.commands.operating.status import ProjectStatus, project_status
from sophia_cli.core.errors import ExitCode
from sophia_cli.core.service_status import ServiceState
from sophia_cli.project.clock import SystemClock


def status(
    services: Annotated[
        list[str] | None, Argument(metavar="SERVICE", help="Services of the settings; all when left out.")
    ] = None,
    project: InProject = Path(),
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Show state, health, release, uptime, restarts and incidents of the services.

    Exits with 1 when a service that should run is not ready.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    found = project_status(state_of(project), tuple(services or ()))
    if found.unreadable is not None:
        say(f"warning: the settings are not read, services that were never deployed are left out: {found.unreadable}")
    code = ExitCode.DONE if is_well(found) else ExitCode.FINDINGS
    duration_s = clock.monotonic() - started
    if chosen is Format.JSON:
        from sophia_cli.render.status_json import status_json

        text = status_json(found.agent, found.services, int(code), duration_s)
    else:
        from sophia_cli.render.status_text import status_summary, status_text
        from sophia_cli.render.style import Style

        style = Style(output is None and has_colours(sys.stdout, os.environ), verbose)
        text = status_summary(found.agent, found.services) if quiet else status_text(found.agent, found.services, style)
    write_result(text, output)
    return int(code)


def is_well(found: ProjectStatus) -> bool:
    """Whether every service that should run is ready."""
    fine = (ServiceState.RUNNING, ServiceState.STOPPED, ServiceState.ABSENT)
    return all(service.state in fine for service in found.services)
