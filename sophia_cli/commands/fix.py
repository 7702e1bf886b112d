"""`sophia fix`: mends what is broken; every change is verified and can be undone."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from sophia_cli.commands.command_line.fail_on import FailOnOption
from sophia_cli.commands.command_line.options import (
    FormatOption,
    Ignore,
    Json,
    OutputFile,
    Paths,
    Quiet,
    Select,
    Verbose,
    Wait,
    Yes,
    seconds,
)
from sophia_cli.commands.command_line.output import (
    Format,
    chosen_format,
    has_colours,
    require_writable,
    say,
    write_result,
)
from sophia_cli.commands.command_line.parameters import option
from sophia_cli.commands.command_line.progress import ProgressLine
from sophia_cli.commands.command_line.stopping import ended_like_ctrl_c
from sophia_cli.commands.fixing.ask import asker, require_terminal
from sophia_cli.commands.fixing.drafting import Request
from sophia_cli.commands.fixing.fix_project import fix_project
from sophia_cli.core.errors import SophiaError, UsageError
from sophia_cli.core.fix_report import FixReport
from sophia_cli.core.report import FailOn
from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.cut_off import cut_off_line
from sophia_cli.project.clock import SystemClock


def fix(
    paths: Paths = None,
    dry_run: Annotated[bool, option("--dry-run", "--diff", help="Show what would change; write nothing.")] = False,
    unsafe: Annotated[bool, option("--unsafe", help="Also make fixes that have rivals or may lose code.")] = False,
    interactive: Annotated[bool, option("--interactive", help="Ask about each fix, with its diff.")] = False,
    install: Annotated[
        bool, option("--install", help="Also install what the project declares into its own environment.")
    ] = False,
    stub: Annotated[
        bool, option("--stub", help="Also write stubs of missing modules; using what they offer raises an error.")
    ] = False,
    allow_build: Annotated[
        list[str] | None,
        option("--allow-build", metavar="NAME", help="With --install: this package may be built; its code runs then."),
    ] = None,
    verify: Annotated[
        str | None,
        option("--verify", metavar="CMD", help="Your own check; fixes that break it are found and taken back."),
    ] = None,
    verify_timeout: Annotated[
        str, option("--verify-timeout", metavar="TIME", help="How long one run of the check may take.")
    ] = "10m",
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOnOption = FailOn.ERROR,
    wait: Wait = "10s",
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Mend what is broken; every change is verified and can be undone with `sophia undo`.

    Makes the fixes that are safe. Exits with 1 when findings of --fail-on severity remain, or when a dry run would
    change something.
    """
    clock = SystemClock()
    chosen = chosen_format(format_, json)
    if interactive:
        if yes or chosen is Format.JSON:
            raise UsageError("usage", "`--interactive` asks questions; `--yes` and JSON forbid them")
        require_terminal()
    if allow_build and not install:
        raise UsageError("usage", "`--allow-build` has a meaning with `--install` only", hint="add `--install`")
    check_timeout_s = seconds(verify_timeout, "--verify-timeout")
    if check_timeout_s <= 0:
        raise UsageError("usage", "`--verify-timeout` gives the check no time", hint="say for example `10m`")
    require_writable(output)
    request = Request(
        paths=tuple(paths or ()),
        select=tuple(select or ()),
        ignore=tuple(ignore or ()),
        unsafe=unsafe,
        dry_run=dry_run,
        fail_on=fail_on,
        check=verify,
        check_timeout_s=check_timeout_s,
        wait_s=seconds(wait, "--wait"),
        quiet=quiet,
        install=install,
        stub=stub,
        allow_build=tuple(allow_build or ()),
    )
    with ended_like_ctrl_c(), ProgressLine(sys.stderr, clock, os.environ, quiet) as progress:
        ask = asker(progress.clear) if interactive else None
        report = fix_project(request, all_rules(), clock, os.environ, progress, ask)
    try:
        write_result(_rendered(report, chosen, quiet, verbose, output is None), output)
    except (SophiaError, BrokenPipeError):
        # Whoever misses the result has to know at least how to take it back.
        if report.run_id is not None:
            from sophia_cli.render.fix_text import done_line

            say(done_line(report))
        raise
    if report.summary.history_stopped is not None:
        say(cut_off_line(report.summary.history_stopped))
    if verbose:
        from sophia_cli.render.style import plural

        say(f"{plural(report.rounds, 'round')} in {report.duration_s:.2f} s")
    return int(report.exit_code)


def _rendered(report: FixReport, chosen: Format, quiet: bool, verbose: bool, to_stdout: bool) -> str:
    if chosen is Format.JSON:
        from sophia_cli.render.fix_json import fix_json

        return fix_json(report)
    from sophia_cli.render.fix_text import fix_summary, fix_text
    from sophia_cli.render.style import Style

    style = Style(colours=to_stdout and has_colours(sys.stdout, os.environ), verbose=verbose)
    return fix_summary(report, style) if quiet else fix_text(report, style)
