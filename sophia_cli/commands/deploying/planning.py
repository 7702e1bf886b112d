"""`sophia deploy --plan`: what a deployment would do, and why."""

from __future__ import annotations

from sophia_cli.commands.command_line.progress import ProgressLine
from sophia_cli.commands.deploying.asked import Asked
from sophia_cli.commands.deploying.report import planned_report
from sophia_cli.commands.deploying.workshop import conditions, planned
from sophia_cli.commands.operating.status import project_status
from sophia_cli.core.deploy_report import DeployReport
from sophia_cli.project.clock import Clock
from sophia_cli.project.state_folder import StateFolder


def plan_deployment(
    asked: Asked, state: StateFolder, progress: ProgressLine, clock: Clock, started: float
) -> DeployReport:
    """Return the report of what would be done; changes nothing but the cache of what was read.

    `started` is when the command began, on the clock. Raises what `Asked.workshop` and `project_status` raise.
    """
    workshop = asked.workshop(progress.say)
    progress.clear()
    found = planned(workshop, project_status(state, ()).services, asked.wanted)
    workshop.project.keep()
    return planned_report(found, asked.environment or "", clock.monotonic() - started, conditions(workshop))
