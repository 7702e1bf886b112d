"""`sophia scan`: findings, graded; changes nothing but its cache."""

from __future__ import annotations

import os
import sys

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
    Yes,
)
from sophia_cli.commands.command_line.output import (
    Format,
    chosen_format,
    has_colours,
    require_writable,
    say,
    write_result,
)
from sophia_cli.commands.command_line.progress import ProgressLine
from sophia_cli.commands.scanning.project import open_project
from sophia_cli.commands.scanning.scan import Scan, scan_project
from sophia_cli.commands.scanning.sources import SourceLines
from sophia_cli.core.errors import ExitCode
from sophia_cli.core.report import FailOn, ReportedFinding, ScanReport, Verdict, summarise
from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.cut_off import cut_off_line
from sophia_cli.project.clock import SystemClock


def scan(
    paths: Paths = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOnOption = FailOn.ERROR,
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Report what is broken; changes nothing.

    Looks at tracked and unignored Python files. Exits with 1 when findings of --fail-on severity are there.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    require_writable(output)
    project = open_project(paths or (), all_rules(), select or (), ignore or ())
    with ProgressLine(sys.stderr, clock, os.environ, quiet) as progress:
        scanned = scan_project(project, progress.files, together=project.looks_at_files_together)
    report = scan_report(scanned, fail_on, clock.monotonic() - started, with_source=chosen is Format.TEXT)
    write_result(_rendered(report, chosen, quiet, verbose, output is None), output)
    if report.summary.history_stopped is not None:
        say(cut_off_line(report.summary.history_stopped))
    if verbose:
        cached = sum(file.cached for file in scanned.files)
        say(f"scanned {len(scanned.files)} files, {cached} from the cache, in {clock.monotonic() - started:.2f} s")
    return int(report.exit_code)


def scan_report(scanned: Scan, fail_on: FailOn, duration_s: float, *, with_source: bool) -> ScanReport:
    """Return the report of a scan; `with_source` reads the lines that findings stand on, for display."""
    reports = [scanned.project.reported(report) for report in scanned.reports()]
    findings = sorted((f for report in reports for f in report.findings), key=lambda f: f.sort_key)
    lines = SourceLines(scanned.project.root)
    reported = tuple(
        ReportedFinding(f, f, source_line=lines.line(f.path, f.region.line) if with_source else None) for f in findings
    )
    summary = summarise(
        findings,
        reported,
        files=len(scanned.files),
        lines=scanned.lines,
        unparsable=(scanned.unparsable, scanned.unparsable),
        skipped=scanned.skipped,
        starting=scanned.starting(),
        history_stopped=scanned.history_stopped,
    )
    return ScanReport(
        verdict=Verdict.FINDINGS if findings else Verdict.CLEAN,
        exit_code=ExitCode.FINDINGS if fail_on.applies(findings) else ExitCode.DONE,
        duration_s=duration_s,
        summary=summary,
        findings=reported,
    )


def _rendered(report: ScanReport, chosen: Format, quiet: bool, verbose: bool, to_stdout: bool) -> str:
    if chosen is Format.JSON:
        from sophia_cli.render.json import scan_json

        return scan_json(report)
    from sophia_cli.render.style import Style
    from sophia_cli.render.text import scan_summary, scan_text

    style = Style(colours=to_stdout and has_colours(sys.stdout, os.environ), verbose=verbose)
    return scan_summary(report, style) if quiet else scan_text(report, style)
