"""`sophia bench`: graded latency of a service, with one connection and under load."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sophia_cli.commands.benching.options import BenchFormat, BenchWords, bench_options, chosen_bench_format
from sophia_cli.commands.benching.outcome import outcome_of
from sophia_cli.commands.benching.progress import BenchProgress
from sophia_cli.commands.benching.request import RequestWords, request_spec
from sophia_cli.commands.benching.target import Aim, named_targets
from sophia_cli.commands.command_line.options import Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import has_colours, write_result
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.core.measurement_report import BenchReport, BenchRow, UnbenchedRow
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.root import find_root

if TYPE_CHECKING:
    from sophia_cli.bench.flows.flow import Flow


def bench(
    target: Annotated[
        list[str] | None,
        Argument(
            metavar="TARGET",
            help="URLs such as http://127.0.0.1:8000/health, or services of the settings; all of them when left out.",
        ),
    ] = None,
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
    method: Annotated[
        str | None, option("--method", metavar="METHOD", help="The method: GET, or POST where there is a body.")
    ] = None,
    header: Annotated[
        list[str] | None,
        option("--header", metavar="FIELD", help="A header field 'Name: value'; ${NAME} is a variable. Repeatable."),
    ] = None,
    body: Annotated[str | None, option("--body", metavar="TEXT", help="The body of every request.")] = None,
    body_file: Annotated[
        Path | None, option("--body-file", metavar="FILE", help="A file that holds the body of every request.")
    ] = None,
    mcp_tool: Annotated[
        str | None, option("--mcp-tool", metavar="NAME", help="Call this tool of an MCP server (streamable HTTP).")
    ] = None,
    mcp_arguments: Annotated[
        str | None, option("--mcp-arguments", metavar="JSON", help="The arguments of the tool, a JSON object.")
    ] = None,
    flow: Annotated[
        Path | None,
        option("--flow", metavar="FILE", help="Go through the steps of this TOML file, a user for each connection."),
    ] = None,
    slo: Annotated[
        str | None,
        option(
            "--slo",
            metavar="SLO",
            help="What has to be kept (p99=25ms,error_rate=0.1%); exit with 1 when it is not.",
        ),
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
    no_checks: Annotated[
        bool, option("--no-checks", help="Leave out the functional checks of a declared service.")
    ] = False,
    environment: Annotated[
        str | None, option("--env", metavar="NAME", help="Services as they are in that environment.")
    ] = None,
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
    """Measure and grade the latency of HTTP services.

    One connection first, then the load; the worse of the two is graded. A run that the client or the machine spoiled is
    refused a grade, with the reason. Without a TARGET every service of the settings that has a port is measured.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_bench_format(format_, json)
    words = BenchWords(
        connections,
        rate,
        duration,
        requests,
        timeout,
        processes,
        min_grade,
        slo,
        capacity,
        baseline,
        save_as,
        no_checks,
    )
    options = bench_options(words)
    request = RequestWords(method, tuple(header or ()), body, body_file, mcp_tool, mcp_arguments)
    asked = request_spec(request, os.environ) if flow is None else _flow(flow, words, request)
    aim = Aim.TOOL if mcp_tool is not None else Aim.REQUEST if flow is None else Aim.FLOW
    from sophia_cli.bench.connecting.reaching import Access
    from sophia_cli.commands.benching.rows import Benching

    root = find_root(Path())
    targets = named_targets(target or (), root, aim, environment)
    progress = BenchProgress(sys.stderr, os.environ, quiet)
    access = Access(allow_remote, insecure, options.timeout_s)
    benching = Benching(root, options, asked, access, environment, progress.show, clock)
    benching.check(targets)
    services: list[BenchRow | UnbenchedRow] = []
    try:
        if target and len(targets) == 1:
            services.append(benching.row(targets[0]))
        else:
            for named in targets:
                services.append(benching.row_or_error(named))
                progress.clear()
    finally:
        progress.clear()
    verdict, code = outcome_of(services, options.minimum)
    report = BenchReport(verdict, code, clock.monotonic() - started, tuple(services), options.minimum)
    colours = output is None and has_colours(sys.stdout, os.environ)
    write_result(_rendered(report, chosen, quiet, verbose, colours), output)
    return int(code)


def _flow(file: Path, words: BenchWords, request: RequestWords) -> Flow:
    from sophia_cli.commands.benching.flow import flow_of

    return flow_of(file, words, request, os.environ)


def _rendered(report: BenchReport, chosen: BenchFormat, quiet: bool, verbose: bool, colours: bool) -> str:
    match chosen:
        case BenchFormat.JSON:
            from sophia_cli.render.bench.json import bench_json

            return bench_json(report)
        case BenchFormat.CSV:
            from sophia_cli.render.bench.csv import bench_csv

            return bench_csv(report)
        case BenchFormat.HTML:
            from sophia_cli.render.bench.html import bench_html

            return bench_html(report)
        case BenchFormat.TEXT:
            from sophia_cli.render.bench.text import bench_summary, bench_text
            from sophia_cli.render.style import Style

            style = Style(colours=colours, verbose=verbose)
            return bench_summary(report, style) if quiet else bench_text(report, style)
