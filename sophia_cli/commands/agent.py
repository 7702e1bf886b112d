"""`sophia agent`: the daemon that keeps the services of a project."""

from __future__ import annotations

import os
import sys
import time
from enum import Enum
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.options import FormatOption, InProject, Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, write_result
from sophia_cli.commands.command_line.parameters import Argument
from sophia_cli.commands.operating.operation import running_agent, state_of
from sophia_cli.commands.operating.status import agent_status, running_agent_status, unwatched
from sophia_cli.core.errors import ExitCode, UnavailableError
from sophia_cli.core.service_status import AgentStatus, ServiceState, ServiceStatus
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.state_folder import StateFolder

_STOP_S = 30.0
_LOOK_S = 0.02


class AgentAction(Enum):
    """What is done with the agent."""

    START = "start"
    STOP = "stop"
    STATUS = "status"
    RUN = "run"


def agent(
    action: Annotated[AgentAction, Argument(metavar="ACTION", help="start, stop, status, or run (in the foreground).")],
    project: InProject = Path(),
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Start, stop or show the agent of a project; `sophia deploy` starts it by itself.

    Stopping it leaves the services running, unwatched, until the next agent takes them over. `sophia stop --all` ends
    services.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    state = state_of(project)
    running: list[ServiceStatus] = []
    match action:
        case AgentAction.RUN:
            # In place of this process: signals and the terminal are the agent's own then.
            os.execv(sys.executable, [sys.executable, "-P", "-m", "sophia_cli.agent", str(state.root)])
        case AgentAction.START:
            found: AgentStatus | None = _started(state)
        case AgentAction.STATUS:
            found = running_agent_status(state)
        case AgentAction.STOP:
            _stop(state)
            found, running = None, [one for one in unwatched(state) if one.state is ServiceState.UNWATCHED]
    code = ExitCode.DONE if found is not None or action is AgentAction.STOP else ExitCode.UNAVAILABLE
    duration_s = clock.monotonic() - started
    if chosen is Format.JSON:
        from sophia_cli.render.agent_text import agent_json

        write_result(agent_json(found, int(code), duration_s), output)
    else:
        from sophia_cli.render.agent_text import agent_text, stopped_text

        text = stopped_text(len(running)) if action is AgentAction.STOP else agent_text(found, str(state.root))
        write_result(text, output)
    return int(code)


def _started(state: StateFolder) -> AgentStatus:
    from sophia_cli.deploy.link.starting import first_answer, reach_agent

    link, found = first_answer(lambda: reach_agent(state), agent_status)
    link.close()
    return found


def _stop(state: StateFolder) -> None:
    """End the agent, and return once its process is gone."""
    from sophia_cli.project.host.processes import identify, is_running

    with running_agent(state) as link:
        pid = link.ask("ping").get("pid")
        identity = identify(pid) if isinstance(pid, int) else None
        link.ask("shutdown")
    give_up = time.monotonic() + _STOP_S
    while identity is not None and is_running(identity):
        if time.monotonic() > give_up:
            raise UnavailableError(
                "agent-not-stopped",
                f"the agent, pid {identity.pid}, still runs after {_STOP_S:g} s",
                hint="`.sophia/logs/agent.log` may tell why; services go on when it is killed",
            )
        time.sleep(_LOOK_S)
