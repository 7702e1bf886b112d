"""`sophia bench`: graded latency of a service, with one connection and under load."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from sophia_cli.commands._bench_options import BenchFormat, BenchWords, bench_options, chosen_bench_format
from sophia_cli.commands._bench_progress import BenchProgress
from sophia_cli.commands._options import Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands._output import has_colours, write_result
from sophia_cli.commands._parameters import Argument, option
from sophia_cli.core.errors import ExitCode
from sophia_cli.core.grades import Letter
from sophia_cli.core.measurement_comparison import Change
from sophia_cli.core.measurement_report import BenchReport, BenchRow, BenchVerdict
from sophia_cli.core.measurement_slo import Kept
from sophia_cli.project.clock import SystemClock


def bench(
    target: Annotated[
        str,
        Argument(metavar="TARGET", help="A URL such as http://127.0.0.1:8000/health, or a service of the settings."),
    ],
    connections: Annotated[
        str | None,
        option("--connections", metavar="N", help="How many connections carry the load: 20, or 64 with --capacity."),
    ] = None,
    rate: Annotated[
        str | None,
        option(
            "--rate",
            metavar="R",
            help="Send R requests a second whatever the answers do (open loop), instead of one after the other.",
        ),
    ] = None,
    duration: Annotated[
        str | None,
        option("--duration", metavar="TIME", help="How long the load is measured: 10s, or 60s with --requests."),
    ] = None,
    requests: Annotated[
        str | None, option("--requests", metavar="N", help="Stop after N measured requests under load.")
    ] = None,
    timeout: Annotated[
        str, option("--timeout", metavar="TIME", help="An answer that takes longer is an error.")
    ] = "5s",
    processes: Annotated[
        str | None,
        option("--processes", metavar="N", help="Load from N processes; by default as many as the load needs."),
    ] = None,
    slo: Annotated[
        str | None,
        option("--slo", metavar="SLO", help="What has to be kept (p99=25ms, or several); exit with 1 when it is not."),
    ] = None,
    capacity: Annotated[bool, option("--capacity", help="Find the largest rate that keeps --slo.")] = False,
    min_grade: Annotated[
        str | None, option("--min-grade", metavar="GRADE", help="Exit with 1 when the grade is worse, or refused.")
    ] = None,
    baseline: Annotated[
        str | None,
        option(
            "--baseline",
            metavar="NAME",
            help="Compare with the run of that name, the `last` one, or another URL in turn; exit with 1 when worse.",
        ),
    ] = None,
    save_as: Annotated[str | None, option("--save-as", metavar="NAME", help="Keep this run under a name.")] = None,
    allow_remote: Annotated[bool, option("--allow-remote", help="Allow a target that is not on this machine.")] = False,
    insecure: Annotated[bool, option("--insecure", help="Accept any TLS certificate.")] = False,
    format_: Annotated[
        BenchFormat | None, option("--format", help="How the result is written.", show_default="text")
    ] = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Measure and grade the latency of an HTTP service.

    One connection first, then the load; the worse of the two is graded. A run that the client or the machine spoiled is
    refused a grade, with the reason.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_bench_format(format_, json)
    words = BenchWords(
        connections, rate, duration, requests, timeout, processes, min_grade, slo, capacity, baseline, save_as
    )
    options = bench_options(words)
    from sophia_cli.commands._benching import bench_target

    progress = BenchProgress(sys.stderr, os.environ, quiet)
    try:
        row, run_id = bench_target(target, options, progress.show, clock, allow_remote=allow_remote, insecure=insecure)
    finally:
        progress.clear()
    verdict, code = _outcome(row, options.minimum)
    report = BenchReport(verdict, code, clock.monotonic() - started, (row,), options.minimum, run_id)
    colours = output is None and has_colours(sys.stdout, os.environ)
    write_result(_rendered(report, chosen, quiet, verbose, colours), output)
    return int(code)


def _outcome(row: BenchRow, minimum: Letter | None) -> tuple[BenchVerdict, ExitCode]:
    is_breached = row.promise is not None and row.promise.kept is Kept.NOT
    if row.capacity is not None:
        is_breached = row.capacity.rate is None
    if is_breached:
        return BenchVerdict.BREACHED, ExitCode.FINDINGS
    if row.comparison is not None and row.comparison.change is Change.WORSE:
        return BenchVerdict.WORSE, ExitCode.FINDINGS
    if row.grade is None:
        return BenchVerdict.REFUSED, ExitCode.DONE if minimum is None else ExitCode.FINDINGS
    if minimum is not None and row.grade.letter.rank > minimum.rank:
        return BenchVerdict.BELOW_MINIMUM, ExitCode.FINDINGS
    return BenchVerdict.GRADED, ExitCode.DONE


def _rendered(report: BenchReport, chosen: BenchFormat, quiet: bool, verbose: bool, colours: bool) -> str:
    match chosen:
        case BenchFormat.JSON:
            from sophia_cli.render.bench_json import bench_json

            return bench_json(report)
        case BenchFormat.CSV:
            from sophia_cli.render.bench_csv import bench_csv

            return bench_csv(report)
        case BenchFormat.HTML:
            from sophia_cli.render.bench_html import bench_html

            return bench_html(report)
        case BenchFormat.TEXT:
            from sophia_cli.render.bench_text import bench_summary, bench_text
            from sophia_cli.render.style import Style

            style = Style(colours=colours, verbose=verbose)
            return bench_summary(report, style) if quiet else bench_text(report, style)
