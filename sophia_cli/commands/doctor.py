"""`sophia doctor`: what this machine and this project are missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.document import read_only_head
from sophia_cli.commands.command_line.options import FormatOption, Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, has_colours, write_result
from sophia_cli.commands.command_line.parameters import Argument
from sophia_cli.commands.diagnosing.aspects import Diagnosis, State, diagnose, exit_code_of
from sophia_cli.core.errors import UsageError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.root import find_root

_VERDICTS = {0: "healthy", 1: "wrong", 69: "missing"}


def doctor(
    path: Annotated[Path, Argument(metavar="PATH", help="A path in the project.", show_default=False)] = Path(),
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Say what this machine and project are missing, and settle a run that was killed.

    Exits with 1 when something is wrong and with 69 when something needed is missing.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    if not os.path.lexists(path):
        raise UsageError("path-missing", f"`{path}` does not exist", hint="check the spelling of the path")
    diagnoses = tuple(diagnose(find_root(path), clock))
    code = exit_code_of(diagnoses)
    if chosen is Format.JSON:
        from sophia_cli.render.json import document

        head = read_only_head("doctor", _VERDICTS[int(code)], code, clock.monotonic() - started)
        summary = {state.value: sum(item.state is state for item in diagnoses) for state in State}
        rows = [
            {"name": item.name, "state": item.state.value, "message": item.message, "hint": item.hint}
            for item in diagnoses
        ]
        write_result(document({**head, "summary": summary, "checks": rows}), output)
    else:
        colours = output is None and has_colours(sys.stdout, os.environ)
        told = tuple(item for item in diagnoses if item.state is not State.OK) if quiet else diagnoses
        write_result(doctor_text(told, colours=colours) if told else "nothing is missing\n", output)
    return int(code)


def doctor_text(diagnoses: tuple[Diagnosis, ...], *, colours: bool) -> str:
    """Return a line for every diagnosis, and what to do below those that are not well."""
    from sophia_cli.render.style import Style, Tone, visible

    style = Style(colours=colours)
    tones = {State.OK: Tone.GOOD, State.WARN: Tone.WARNING, State.WRONG: Tone.ERROR, State.MISSING: Tone.ERROR}
    width = max(len(item.name) for item in diagnoses)
    lines: list[str] = []
    for item in diagnoses:
        state = style.paint(f"{item.state.value:<7}", tones[item.state])
        lines.append(f"{state}  {item.name:<{width}}  {visible(item.message)}")
        if item.hint and item.state is not State.OK:
            lines.append(f"{'':<7}  {'':<{width}}  {visible(item.hint)}")
    return "\n".join(lines) + "\n"
