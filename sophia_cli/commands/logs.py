"""`sophia logs`: what a service wrote, also across restarts, releases and rotation."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.document import read_only_head
from sophia_cli.commands.command_line.options import FormatOption, InProject, Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, say, write_result
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.commands.operating.operation import state_of
from sophia_cli.commands.operating.status import project_status
from sophia_cli.core.errors import ExitCode, UsageError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.host.log_stream import read_log, tail_log

_POLL_S = 0.2


def logs(
    service: Annotated[str, Argument(metavar="SERVICE", help="A service of the settings, or `agent`.")],
    follow: Annotated[bool, option("--follow", "-f", help="Go on and show what is written, until Ctrl-C.")] = False,
    lines: Annotated[str, option("--lines", "-n", metavar="N", help="How many of the last lines.")] = "100",
    project: InProject = Path(),
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Show the last lines that a service wrote to standard output and standard error, as they are."""
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    if not lines.isdigit():
        raise UsageError("usage", f"`--lines {lines}` is no number", hint="write `--lines 50`")
    if follow and (chosen is Format.JSON or output is not None):
        raise UsageError("usage", "`--follow` never ends, so it makes no document and no file", hint="leave it out")
    state = state_of(project)
    if service != "agent":
        project_status(state, (service,))
    log = state.path / "logs" / f"{service}.log"
    tail = tail_log(log, int(lines))
    if chosen is Format.JSON:
        from sophia_cli.render.log_json import log_json

        head = read_only_head("logs", "listed", ExitCode.DONE, clock.monotonic() - started)
        write_result(log_json(head, service, tail.lines), output)
        return int(ExitCode.DONE)
    if not tail.lines and not quiet:
        say(f"{service} has written nothing yet")
    text = "".join(f"{line}\n" for line in tail.lines)
    if output is not None:
        write_result(text, output)
        return int(ExitCode.DONE)
    _write(text.encode("utf-8", "surrogateescape"))
    position = tail.position
    while follow:
        piece = read_log(log, position)
        if piece.data:
            _write(piece.data)
            position = piece.next_position
        else:
            time.sleep(_POLL_S)
    return int(ExitCode.DONE)


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
