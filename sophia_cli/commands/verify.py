"""`sophia verify`: functional checks of running services."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.options import FormatOption, Json, OutputFile, Quiet, Verbose, Yes, seconds
from sophia_cli.commands.command_line.output import Format, chosen_format, has_colours, write_result
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.core.checks import VerifyReport
from sophia_cli.core.errors import UsageError
from sophia_cli.project.clock import SystemClock

_LONGEST_TIMEOUT_S = 600.0


def verify(
    targets: Annotated[
        list[str] | None,
        Argument(
            metavar="TARGET",
            help="Services of the settings, or URLs such as http://127.0.0.1:8000; all services when left out.",
            show_default=False,
        ),
    ] = None,
    writes: Annotated[
        bool,
        option(
            "--writes",
            help="Also send what may write: missing fields, unknown ids, malformed bodies, paths out of a folder.",
        ),
    ] = False,
    fuzz: Annotated[
        bool, option("--fuzz", help="Also send requests that are made up from the OpenAPI document, 30 s of them.")
    ] = False,
    list_: Annotated[bool, option("--list", help="Only say which checks would run.")] = False,
    environment: Annotated[
        str | None, option("--env", metavar="NAME", help="Services as they are in that environment.")
    ] = None,
    timeout: Annotated[
        str, option("--timeout", metavar="TIME", help="An answer that takes longer is a failure.")
    ] = "5s",
    allow_remote: Annotated[bool, option("--allow-remote", help="Allow a target that is not on this machine.")] = False,
    insecure: Annotated[bool, option("--insecure", help="Accept any TLS certificate.")] = False,
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Check that running services do what they should.

    Runs the checks that the settings declare, and those that need no setting: every GET of an OpenAPI document, an
    unknown path, MCP tools. Exits with 1 when one fails.
    """
    clock = SystemClock()
    chosen = chosen_format(format_, json)
    timeout_s = seconds(timeout, "--timeout")
    if not 0 < timeout_s <= _LONGEST_TIMEOUT_S:
        raise UsageError("usage", f"`--timeout {timeout}` is not above 0 and up to {_LONGEST_TIMEOUT_S:g} s")
    from sophia_cli.commands.verifying.checks import list_checks, verify_services
    from sophia_cli.commands.verifying.progress import VerifyProgress
    from sophia_cli.commands.verifying.target import VerifyWishes, verify_plans
    from sophia_cli.project.root import find_root

    wishes = VerifyWishes(timeout_s, writes, allow_remote, insecure, os.environ if fuzz else None)
    plans = verify_plans(targets or (), find_root(Path()), environment, wishes)
    if list_:
        report = list_checks(plans, clock)
    else:
        progress = VerifyProgress(sys.stderr, os.environ, quiet)
        try:
            report = verify_services(plans, progress, clock)
        finally:
            progress.clear()
    colours = output is None and has_colours(sys.stdout, os.environ)
    write_result(_rendered(report, chosen, quiet, verbose, colours), output)
    return int(report.exit_code)


def _rendered(report: VerifyReport, chosen: Format, quiet: bool, verbose: bool, colours: bool) -> str:
    if chosen is Format.JSON:
        from sophia_cli.render.verify_json import verify_json

        return verify_json(report)
    from sophia_cli.render.style import Style
    from sophia_cli.render.verify_text import verify_summary, verify_text

    style = Style(colours=colours, verbose=verbose)
    return verify_summary(report, style) if quiet else verify_text(report, style)
