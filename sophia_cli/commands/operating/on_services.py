"""What `restart`, `rollback` and `stop` share: named services or all of them, one operation, one report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from sophia_cli.commands.command_line.options import seconds
from sophia_cli.commands.command_line.output import Format, chosen_format
from sophia_cli.commands.operating.declared import check_declared
from sophia_cli.commands.operating.hints import with_hints
from sophia_cli.commands.operating.operation import (
    StepLines,
    known_services,
    names,
    operation,
    outcome_of,
    perform,
    state_of,
    write_report,
)
from sophia_cli.commands.operating.status import runs_unwatched
from sophia_cli.core.deploy_report import DeployReport, DeployVerdict
from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.link.messages import Fields
from sophia_cli.project.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says: services or all of them, where, how long to wait, how to report."""

    services: Sequence[str] | None
    all: bool
    project: Path
    wait: str
    format: Format | None
    json: bool
    output: Path | None
    quiet: bool
    verbose: bool


def on_services(command: str, done: DeployVerdict, asked: Asked, *, starts: bool, more: Fields | None = None) -> int:
    """Perform the agent's method of a command's name on the services, write the report and return the exit code.

    `done` is the verdict when all went well, `starts` whether an agent is started where none runs (it always is when
    services run unwatched), `more` what the method is told beside the services; it stands in the words that others are
    told while they wait.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(asked.format, asked.json)
    wait_s = seconds(asked.wait, "--wait")
    if bool(asked.services) == asked.all:
        hint = "`sophia status` lists them"
        raise UsageError("usage", f"name the services to {command}, or give `--all`", hint=hint)
    words = ["sophia", command, *(asked.services or ["--all"])]
    words += [word for name, value in (more or {}).items() if value is not None for word in (f"--{name}", str(value))]
    state = state_of(asked.project)
    if starts and not state.exists():
        check_declared(state.root)
    # Without an agent, what an earlier one started is only ended by one that takes it over.
    starts = starts or runs_unwatched(state)
    with operation(state, shlex.join(words), wait_s, starts=starts) as link:
        wanted = known_services(link, asked.services or ())
        performed = perform(link, command, {"services": names(wanted), **(more or {})}, StepLines(asked.quiet))
    verdict, code = outcome_of(performed.services, done, is_rollback=done is DeployVerdict.ROLLED_BACK)
    duration_s = clock.monotonic() - started
    report = DeployReport(command, verdict, code, duration_s, performed.run_id, performed.services)
    report = with_hints(report, state.root, {})
    return write_report(report, chosen is Format.JSON, asked.quiet, asked.verbose, asked.output)
