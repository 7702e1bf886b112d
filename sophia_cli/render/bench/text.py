"""What `sophia bench` measured, as text with small charts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sophia_cli.core.grades import Letter
from sophia_cli.core.measurement import LatencyBucket, Measurement
from sophia_cli.core.measurement_comparison import Change
from sophia_cli.core.measurement_flow import FlowResult
from sophia_cli.core.measurement_report import BenchReport, BenchRow, UnbenchedRow
from sophia_cli.core.measurement_slo import Capacity, Kept
from sophia_cli.render.style import Style, Tone, plural, visible

_BARS = "▁▂▃▄▅▆▇█"
_FULL = "█"
_WIDTH = 40
_ROWS = 10


def bench_text(report: BenchReport, style: Style) -> str:
    """Return the whole report, the grade last; a verbose one shows every window and how one connection fared."""
    lines: list[str] = []
    for row in report.rows:
        method = "" if row.request == "GET" else f"{visible(row.request)} "
        lines += [style.paint(f"{visible(row.name)}  {method}{visible(row.url)}", Tone.STRONG), ""]
        if row.idle is not None:
            lines += [*_measured("one connection", row.idle, style), ""]
            if style.verbose and row.idle.buckets:
                lines += [*_histogram(row.idle.buckets), ""]
        lines += [*_measured(_kind(row.loaded), row.loaded, style), ""]
        lines += [*_histogram(row.loaded.buckets), ""] if row.loaded.buckets else []
        lines += [*_over_time(row.loaded), ""] if len(row.loaded.seconds) > 1 else []
        lines += [*_windows(row.loaded), ""] if style.verbose else []
        lines += [*_flow(row.flow, style), ""] if row.flow is not None else []
        lines += [*_trials(row.capacity), ""] if row.capacity is not None else []
    return "\n".join(lines) + "\n" + bench_summary(report, style)


def bench_summary(report: BenchReport, style: Style) -> str:
    """Return a line for every service and what decided its grade."""
    lines: list[str] = []
    scales: set[str] = set()
    for row in report.services:
        if isinstance(row, UnbenchedRow):
            lines += _unbenched(row, style)
            continue
        scale = row.scale.describe()
        lines += [f"scale: {scale}"] if row.grade is not None and scale not in scales else []
        scales.add(scale)
        lines += _verdict(row, style)
        lines += _checked(row, style)
        lines += _promised(row, style)
        lines += _compared(row, style)
    if len(report.services) > 1:
        grade = report.grade
        said = "no grade, since not every service has one" if grade is None else f"grade {grade.value}, the worst"
        lines.append(style.paint(f"{plural(len(report.services), 'service')}: {said}", Tone.STRONG))
    if report.minimum is not None and report.exit_code:
        lines.append(style.paint(f"the grade has to be {report.minimum.value} or better", Tone.ERROR))
    return "\n".join(lines) + "\n"


def _unbenched(row: UnbenchedRow, style: Style) -> list[str]:
    lines = [f"{visible(row.name)}: {style.paint('not measured', Tone.ERROR)}: {visible(row.error.message)}"]
    return lines if row.error.hint is None else [*lines, f"  hint: {visible(row.error.hint)}"]


def _verdict(row: BenchRow, style: Style) -> list[str]:
    name = visible(row.name)
    if row.grade is None:
        return [
            f"{name}: {style.paint('no grade', Tone.WARNING)}: {row.refused}",
            "the figures above tell about the client or the machine; repeat it on a quiet machine or with less load",
        ]
    tone = Tone.GOOD if row.grade.letter.rank <= Letter.A.rank else Tone.WARNING
    tone = Tone.ERROR if row.grade.letter.rank >= Letter.E.rank else tone
    return [f"{name}: grade {style.paint(row.grade.letter.value, tone)}: {row.grade.reason}"]


def _checked(row: BenchRow, style: Style) -> list[str]:
    checks = row.checks
    if checks is None or not (checks.passed or checks.failed):
        return []
    name = visible(row.name)
    failed = [f"  {visible(check.name)}: {visible(check.message)}" for check in checks.failed]
    if not failed:
        return [f"{name}: {plural(checks.passed, 'functional check')} passed"]
    said = f"{len(failed)} of {plural(checks.passed + len(failed), 'functional check')} failed"
    return [f"{name}: {style.paint(said, Tone.ERROR)}", *failed]


def _promised(row: BenchRow, style: Style) -> list[str]:
    capacity, promise = row.capacity, row.promise
    name = visible(row.name)
    if capacity is not None:
        asked = ", ".join(str(objective) for objective in capacity.objectives)
        if capacity.rate is None:
            return [f"{name}: {style.paint(f'no rate was found that keeps {asked}', Tone.ERROR)}"]
        sure = "95 % sure" if capacity.is_sure else "less than 95 % sure"
        beyond = f", breached at {capacity.breached_at:,.0f}" if capacity.breached_at is not None else ""
        if capacity.limit is not None:
            beyond += f"; more could not be tried ({capacity.limit})"
        return [f"{name}: capacity {capacity.rate:,.0f} requests/s with {asked} ({sure}){beyond}"]
    if promise is None:
        return []
    asked = ", ".join(str(objective) for objective in promise.objectives)
    if promise.kept is Kept.NOT:
        return [f"{name}: {style.paint(f'breaches {asked}', Tone.ERROR)}: {promise.reason}"]
    sure = "95 % sure" if promise.kept is Kept.SURELY else "less than 95 % sure"
    return [f"{name}: keeps {asked} ({sure}): {promise.reason}"]


def _compared(row: BenchRow, style: Style) -> list[str]:
    comparison = row.comparison
    if comparison is None:
        return []
    tones = {Change.WORSE: Tone.ERROR, Change.BETTER: Tone.GOOD, Change.SAME: Tone.GOOD, Change.UNKNOWN: Tone.WARNING}
    change = style.paint(comparison.change.value, tones[comparison.change])
    return [f"{visible(row.name)}: {change} against {visible(comparison.baseline)}: {comparison.reason}"]


def _flow(flow: FlowResult, style: Style) -> list[str]:
    whole = f", one takes p50 {_ms(flow.latency.p50)}, p99 {_ms(flow.latency.p99)} ms" if flow.latency else ""
    width = max(len("step"), *(len(visible(step.name)) for step in flow.steps))
    lines = [
        f"flow {visible(flow.name)}: {plural(flow.completed, 'time')} completed, {flow.failed} failed{whole}",
        "  (its client judges every answer: it needs far more than the load engine, and users share one core)",
        f"  {'step':<{width}}{'requests':>10}{'errors':>9}{'p50':>10}{'p95':>10}{'p99':>10}  ms  grade",
    ]
    for step in flow.steps:
        latency, measured = step.measured.latency, step.measured
        values = (None, None, None) if latency is None else (latency.p50, latency.p95, latency.p99)
        figures = "".join(f"{'-' if value is None else _ms(value):>10}" for value in values)
        grade = "-" if step.grade is None else step.grade.letter.value
        counts = f"{measured.requests:>10}{measured.errors:>9}"
        lines.append(f"  {visible(step.name):<{width}}{counts}{figures}      {grade}")
        if step.first_failure is not None:
            lines.append("    " + style.paint(f"first failure: {visible(step.first_failure)}", Tone.ERROR))
    return lines


def _trials(capacity: Capacity) -> list[str]:
    lines = ["rate, requests/s"]
    for trial in sorted(capacity.trials, key=lambda trial: trial.rate):
        verdict = "breached" if trial.kept is Kept.NOT else "kept"
        lines.append(f"  {trial.rate:>8,.0f}  {verdict:<8}  {trial.reason}")
    return lines


def _kind(measured: Measurement) -> str:
    connections = plural(measured.connections, "connection")
    return connections if measured.rate is None else f"{measured.rate:g} requests/s over {connections}"


def _measured(title: str, measured: Measurement, style: Style) -> list[str]:
    settled = "steady" if measured.was_steady else "not steady"
    lines = [f"{title}: {measured.duration_s:.1f} s, after {measured.warm_up_s:.1f} s of warm-up ({settled})"]
    latency = measured.latency
    if latency is not None:
        names = ("p50", "p90", "p95", "p99", "p99.9", "max", "mean")
        values = (latency.p50, latency.p90, latency.p95, latency.p99, latency.p999, latency.max, latency.mean)
        lines.append("  " + "".join(f"{name:>9}" for name in names))
        lines.append("  " + "".join(f"{_ms(value):>9}" for value in values) + "  ms")
    apdex = "" if measured.apdex is None else f", Apdex {measured.apdex:.2f}"
    lines.append(f"  {measured.throughput_rps:,.0f} answers/s, {plural(measured.requests, 'request')}{apdex}")
    if measured.achieved is not None:
        lines.append(f"  {measured.achieved:.1%} of the offered requests answered in time")
    for failure in measured.failures:
        share = failure.count / measured.requests
        lines.append("  " + style.paint(f"{failure.count} {failure.kind} ({share:.2%}): {failure.meaning}", Tone.ERROR))
    if measured.statuses:
        lines.append("  statuses: " + ", ".join(f"{status.count} x {status.status}" for status in measured.statuses))
    client = measured.client
    lag = "" if client.lag_p99_ms is None else f", pacing lag p99 {_ms(client.lag_p99_ms)} ms"
    used = f"{client.busiest:.0%} of a core, waited for one {client.waited:.0%} of the time"
    by = "" if client.processes == 1 else f" in {client.processes} processes"
    lines.append(f"  client: {client.cpu_us_per_request:.1f} us a request{by}, {used}{lag}")
    return lines


def _histogram(buckets: Sequence[LatencyBucket]) -> list[str]:
    """Return bars over ranges of equal ratio, from the shortest latency to the longest."""
    low, high = buckets[0].low_ms or buckets[0].high_ms, buckets[-1].high_ms
    ratio = max(1.05, (high / low) ** (1 / _ROWS))
    counts = [0] * _ROWS
    for bucket in buckets:
        place = int(math.log(max(bucket.low_ms, low) / low) / math.log(ratio) + 1e-9)
        counts[min(_ROWS - 1, place)] += bucket.count
    most = max(counts)
    total = sum(counts)
    last = max(place for place, count in enumerate(counts) if count)
    lines = ["latency, ms"]
    for place, count in enumerate(counts[: last + 1]):
        bar = _FULL * round(_WIDTH * count / most) or ("·" if count else "")
        lines.append(f"  {_ms(low * ratio**place):>8} {bar:<{_WIDTH}} {count / total:>6.1%}")
    return lines


def _over_time(measured: Measurement) -> list[str]:
    rows = (
        ("p50", [second.p50 for second in measured.seconds]),
        ("p99", [second.p99 for second in measured.seconds]),
        ("answers/s", [second.answers / second.length_s for second in measured.seconds]),
    )
    lines = ["second by second"]
    for name, values in rows:
        known = [value for value in values if value is not None]
        if known:
            lines.append(f"  {name:>9} {_spark(values)}  {_ms(min(known))} to {_ms(max(known))}")
    return lines


def _windows(measured: Measurement) -> list[str]:
    lines = [f"  {'s':>6}{'answers':>10}{'errors':>9}{'p50':>10}{'p95':>10}{'p99':>10}"]
    for second in measured.seconds:
        figures = "".join(f"{'-' if v is None else _ms(v):>10}" for v in (second.p50, second.p95, second.p99))
        lines.append(f"  {second.start_s:>6.1f}{second.answers:>10}{second.failures:>9}{figures}")
    return lines


def _spark(values: Sequence[float | None]) -> str:
    shown = _thinned(values, 60)
    most = max((value for value in shown if value is not None), default=0.0) or 1.0
    top = len(_BARS) - 1
    return "".join(" " if value is None else _BARS[round(top * value / most)] for value in shown)


def _thinned(values: Sequence[float | None], most: int) -> Sequence[float | None]:
    """Return at most that many values: the largest of each stretch."""
    step = -(-len(values) // most)
    stretches = (values[at : at + step] for at in range(0, len(values), step))
    return [max((value for value in stretch if value is not None), default=None) for stretch in stretches]


def _ms(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.2f}" if value < 100 else f"{value:.0f}"
