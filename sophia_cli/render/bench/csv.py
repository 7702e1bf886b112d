"""What `sophia bench` measured, as CSV: a line for every load, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from sophia_cli.core.measurement import Measurement
from sophia_cli.core.measurement_report import BenchReport, BenchRow, UnbenchedRow

_COLUMNS = (
    "service",
    "url",
    "load",
    "connections",
    "rate",
    "duration_s",
    "requests",
    "errors",
    "error_rate",
    "throughput_rps",
    "p50_ms",
    "p90_ms",
    "p95_ms",
    "p99_ms",
    "p999_ms",
    "max_ms",
    "mean_ms",
    "grade",
    "refused",
    "error",
)


def bench_csv(report: BenchReport) -> str:
    """Return a header and the lines; what was not measured is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in report.services:
        writer.writerows(_lines(row) if isinstance(row, BenchRow) else [_unbenched(row)])
    return stream.getvalue()


def _unbenched(row: UnbenchedRow) -> tuple[object, ...]:
    return (row.name, row.url, *[""] * (len(_COLUMNS) - 3), row.error.message)


def _lines(row: BenchRow) -> Iterator[tuple[object, ...]]:
    grade = "" if row.grade is None else row.grade.letter.value
    if row.idle is not None:
        yield (row.name, row.url, "one connection", *_figures(row.idle), grade, row.refused or "", "")
    for step in () if row.flow is None else row.flow.steps:
        letter = "" if step.grade is None else step.grade.letter.value
        yield (row.name, row.url, f"step {step.name}", *_figures(step.measured), letter, row.refused or "", "")
    yield (row.name, row.url, "load", *_figures(row.loaded), grade, row.refused or "", "")


def _figures(measured: Measurement) -> tuple[object, ...]:
    latency = measured.latency
    figures: tuple[object, ...] = ("",) * 7
    if latency is not None:
        found = (latency.p50, latency.p90, latency.p95, latency.p99, latency.p999, latency.max, latency.mean)
        figures = tuple(round(value, 4) for value in found)
    return (
        measured.connections,
        "" if measured.rate is None else measured.rate,
        round(measured.duration_s, 3),
        measured.requests,
        measured.errors,
        round(measured.error_rate, 6),
        round(measured.throughput_rps, 2),
        *figures,
    )
