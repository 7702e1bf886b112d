"""What `sophia bench` measured, as one HTML page that needs nothing else: charts are inline SVG, no script."""

from __future__ import annotations

from html import escape

from sophia_cli.core.measurement import Latency, Measurement
from sophia_cli.core.measurement_flow import FlowResult
from sophia_cli.core.measurement_report import BenchReport, BenchRow, UnbenchedRow
from sophia_cli.core.measurement_slo import Capacity, Kept
from sophia_cli.render.bench.svg import course_svg, histogram_svg, percentile_svg
from sophia_cli.render.style import plural, visible

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --faint: #5d6b7c; --line: #d5dce5; --page: #ffffff; --card: #f5f7fa;
  --bar: #3a6ea5; --p50: #2a7d4f; --p95: #b07400; --p99: #b3372f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf2; --faint: #9aa8ba; --line: #384454; --page: #161b22;
  --card: #1f2630; --bar: #6ba4dd; --p50: #5cc58a; --p95: #e3ad45; --p99: #f0786f; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; overflow-wrap: anywhere; }
.grade { font-size: 3rem; font-weight: 700; line-height: 1; margin-right: 1rem; }
.verdict { display: flex; align-items: center; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; padding: 1rem; } .faint { color: var(--faint); }
table { border-collapse: collapse; margin: 1rem 0; } th, td { padding: .25rem .75rem; text-align: right;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; } th:first-child, td:first-child
  { text-align: left; }
.scroll { overflow-x: auto; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { color: var(--faint); } svg { width: 100%; height: auto; }
.bar { fill: var(--bar); } .line { fill: none; stroke: var(--bar); stroke-width: 2; }
.grid { stroke: var(--line); stroke-width: 1; } .tick { fill: var(--faint); font-size: 12px; }
.label { font-size: 12px; } .line.p50 { stroke: var(--p50); } .label.p50 { fill: var(--p50); }
.line.p95 { stroke: var(--p95); } .label.p95 { fill: var(--p95); } .line.p99 { stroke: var(--p99); }
.label.p99 { fill: var(--p99); }
"""
_NAMES = ("p50", "p90", "p95", "p99", "p99.9", "max", "mean")


def bench_html(report: BenchReport) -> str:
    """Return the page."""
    rows = "".join(_row(row) if isinstance(row, BenchRow) else _unbenched(row) for row in report.services)
    if len(report.services) > 1:
        letter = "–" if report.grade is None else report.grade.value
        services = plural(len(report.services), "service")
        rows = f'<p class="faint">{services}, the worst grade of all: <b>{letter}</b></p>\n{rows}'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>sophia bench</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>sophia bench</h1>\n"
        f"{rows}</body>\n</html>\n"
    )


def _row(row: BenchRow) -> str:
    parts = [f"<section>\n<h2>{_text(row.name)} <span class=faint>{_text(row.url)}</span></h2>\n", _verdict(row)]
    parts.append(_table(row))
    charts = histogram_svg(row.loaded) + percentile_svg(row.loaded) + course_svg(row.loaded)
    parts.append(f'<div class="charts">{charts}</div>\n')
    parts += [_failures(row.loaded), _client(row.loaded)]
    if row.flow is not None:
        parts.append(_flow(row.flow))
    if row.capacity is not None:
        parts.append(_capacity(row.capacity))
    return "".join(parts) + "</section>\n"


def _unbenched(row: UnbenchedRow) -> str:
    lines = [
        _text(row.error.message),
        *([f'<span class="faint">{_text(row.error.hint)}</span>'] if row.error.hint else []),
    ]
    return (
        f"<section>\n<h2>{_text(row.name)} <span class=faint>{_text(row.url)}</span></h2>\n"
        f'<div class="verdict"><span class="grade">–</span><div>{"<br>".join(lines)}</div></div>\n</section>\n'
    )


def _verdict(row: BenchRow) -> str:
    letter, reason = ("–", row.refused or "") if row.grade is None else (row.grade.letter.value, row.grade.reason)
    lines = [_text(reason), f'<span class="faint">scale: {_text(row.scale.describe())}</span>']
    if row.promise is not None:
        asked = ", ".join(str(objective) for objective in row.promise.objectives)
        verb = "breaches" if row.promise.kept is Kept.NOT else "keeps"
        lines.append(_text(f"{verb} {asked}: {row.promise.reason}"))
    if row.comparison is not None:
        change = row.comparison.change.value
        lines.append(_text(f"{change} against {row.comparison.baseline}: {row.comparison.reason}"))
    if row.checks is not None and row.checks.failed:
        lines += [_text(f"failed check {check.name}: {check.message}") for check in row.checks.failed]
    return f'<div class="verdict"><span class="grade">{letter}</span><div>{"<br>".join(lines)}</div></div>\n'


def _table(row: BenchRow) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("load", *_NAMES, "answers/s", "requests", "errors"))
    loads = [("one connection", row.idle)] if row.idle is not None else []
    load = plural(row.loaded.connections, "connection")
    title = load if row.loaded.rate is None else f"{row.loaded.rate:,.0f} requests/s over {load}"
    body = "".join(_line(name, measured) for name, measured in [*loads, (title, row.loaded)] if measured is not None)
    note = f"latency in ms; warm-up of {row.loaded.warm_up_s:.1f} s not counted"
    if row.loaded.apdex is not None:
        note += f"; Apdex {row.loaded.apdex:.2f} for {row.target_ms:g} ms"
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'
        f'<p class="faint">{note}</p>\n'
    )


def _line(name: str, measured: Measurement) -> str:
    latencies = "".join(f"<td>{value}</td>" for value in _latencies(measured.latency))
    counts = f"<td>{measured.throughput_rps:,.0f}</td><td>{measured.requests:,}</td><td>{measured.errors:,}</td>"
    return f"<tr><td>{_text(name)}</td>{latencies}{counts}</tr>"


def _latencies(latency: Latency | None) -> tuple[str, ...]:
    if latency is None:
        return ("–",) * len(_NAMES)
    values = (latency.p50, latency.p90, latency.p95, latency.p99, latency.p999, latency.max, latency.mean)
    return tuple(f"{value:.3f}" if value < 10 else f"{value:.2f}" for value in values)


def _failures(measured: Measurement) -> str:
    if not measured.failures:
        return ""
    items = "".join(f"<li>{f.count:,} {_text(f.kind)}: {_text(f.meaning)}</li>" for f in measured.failures)
    items += "".join(f"<li>{status.count:,} x status {status.status}</li>" for status in measured.statuses)
    return f"<h3>errors</h3><ul>{items}</ul>\n"


def _client(measured: Measurement) -> str:
    client = measured.client
    lag = "" if client.lag_p99_ms is None else f", pacing lag p99 {client.lag_p99_ms:.3f} ms"
    return (
        f'<p class="faint">client: {client.cpu_us_per_request:.1f} µs of processor time a request, '
        f"{client.busiest:.0%} of a core, waited for one {client.waited:.0%} of the time{lag}</p>\n"
    )


def _flow(flow: FlowResult) -> str:
    names = ("step", "request", *_NAMES, "requests", "errors", "grade")
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(
        f"<tr><td>{_text(step.name)}</td><td>{_text(step.request)}</td>"
        + "".join(f"<td>{value}</td>" for value in _latencies(step.measured.latency))
        + f"<td>{step.measured.requests:,}</td><td>{step.measured.errors:,}</td>"
        f"<td>{'–' if step.grade is None else step.grade.letter.value}</td></tr>"
        for step in flow.steps
    )
    return (
        f"<h3>flow {_text(flow.name)}: {flow.completed:,} completed, {flow.failed:,} failed</h3>\n"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'
    )


def _capacity(capacity: Capacity) -> str:
    found = "none" if capacity.rate is None else f"{capacity.rate:,.0f} requests/s"
    rows = "".join(
        f"<tr><td>{trial.rate:,.0f}</td><td>{'breached' if trial.kept is Kept.NOT else 'kept'}</td>"
        f"<td>{_text(trial.reason)}</td></tr>"
        for trial in sorted(capacity.trials, key=lambda trial: trial.rate)
    )
    head = "<tr><th>requests/s</th><th></th><th></th></tr>"
    return f"<h3>capacity: {found}</h3><table><thead>{head}</thead><tbody>{rows}</tbody></table>\n"


def _text(text: str) -> str:
    return escape(visible(text))
