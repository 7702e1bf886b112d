"""The options of `sophia bench` as values, checked."""

from __future__ import annotations

import math
import re
from enum import Enum

from sophia_cli.commands.command_line.options import seconds
from sophia_cli.core.errors import UsageError
from sophia_cli.core.grades import Letter
from sophia_cli.core.measurement_slo import ErrorObjective, Objective, Percentile, Promised
from sophia_cli.core.values import dataclass

DEFAULT_CONNECTIONS = "20"
CAPACITY_CONNECTIONS = "64"
DEFAULT_DURATION = "10s"
COUNTED_DURATION = "60s"
MOST_CONNECTIONS = 10_000
HIGHEST_RATE = 1_000_000.0
LONGEST_S = 3_600.0
LONGEST_TIMEOUT_S = 600.0
MOST_PROCESSES = 64
_SHARE = re.compile(r"(\d+(?:\.\d+)?)(%?)")
_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class BenchFormat(Enum):
    """How the result of a bench is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """How to load a target. `rate` None is a closed loop, `most_requests` None as many as there is time for."""

    connections: int
    rate: float | None
    duration_s: float
    most_requests: int | None
    timeout_s: float
    processes: int | None
    minimum: Letter | None
    objectives: tuple[Promised, ...]
    is_capacity: bool
    baseline: str | None
    save_as: str | None
    runs_checks: bool


@dataclass(frozen=True, slots=True)
class BenchWords:
    """The options as they stand on the command line."""

    connections: str | None
    rate: str | None
    duration: str | None
    requests: str | None
    timeout: str
    processes: str | None
    min_grade: str | None
    slo: str | None
    capacity: bool
    baseline: str | None
    save_as: str | None
    no_checks: bool


def bench_options(words: BenchWords) -> BenchOptions:
    """Return the options as values; UsageError for one that cannot be, and for those that exclude each other."""
    _check_together(words)
    requests, duration, rate, processes = words.requests, words.duration, words.rate, words.processes
    default = CAPACITY_CONNECTIONS if words.capacity else DEFAULT_CONNECTIONS
    counted = None if requests is None else whole(requests, "--requests", 1, 10**12)
    count = whole(words.connections or default, "--connections", 1, MOST_CONNECTIONS)
    return BenchOptions(
        connections=count if counted is None else min(count, counted),
        rate=None if rate is None else positive(rate, "--rate", HIGHEST_RATE, "requests a second"),
        duration_s=_span(
            duration or (DEFAULT_DURATION if counted is None else COUNTED_DURATION), "--duration", LONGEST_S
        ),
        most_requests=counted,
        timeout_s=_span(words.timeout, "--timeout", LONGEST_TIMEOUT_S),
        processes=None if processes is None else whole(processes, "--processes", 1, MOST_PROCESSES),
        minimum=None if words.min_grade is None else letter(words.min_grade),
        objectives=() if words.slo is None else objectives_of(words.slo),
        is_capacity=words.capacity,
        baseline=words.baseline,
        save_as=None if words.save_as is None else _run_name(words.save_as),
        runs_checks=not words.no_checks,
    )


def chosen_bench_format(named: BenchFormat | None, json: bool) -> BenchFormat:
    """Return the format that `--format` and `--json` ask for; UsageError when they contradict each other."""
    if json and named not in (None, BenchFormat.JSON):
        raise UsageError("usage", "`--json` and `--format` contradict each other", hint="give one of them")
    return BenchFormat.JSON if json else named or BenchFormat.TEXT


def objectives_of(text: str) -> tuple[Promised, ...]:
    """Return objectives such as `p99=25ms` or `p50=5ms,error_rate=0.1%`; UsageError for anything else."""
    found: list[Promised] = []
    for part in text.split(","):
        word, equals, limit = part.strip().partition("=")
        name = word.strip().lower()
        known = [percentile for percentile in Percentile if percentile.value == name]
        if equals and name == "error_rate":
            found.append(ErrorObjective(_share(limit.strip())))
        elif equals and known:
            found.append(Objective(known[0], 1000 * _span(limit, "--slo", LONGEST_TIMEOUT_S)))
        else:
            hint = "write `p99=25ms` or `p50=5ms,p99=25ms,error_rate=0.1%`"
            raise UsageError("usage", f"`--slo {text}` is no objective", hint=hint)
    return tuple(found)


def _share(text: str) -> float:
    match = _SHARE.fullmatch(text)
    value = math.nan if match is None else float(match.group(1)) / (100 if match.group(2) else 1)
    if not 0 <= value <= 1:
        hint = "write `error_rate=0.1%`, or the same as a share, `error_rate=0.001`"
        raise UsageError("usage", f"`--slo error_rate={text}` is no share of the requests", hint=hint)
    return value


def _run_name(text: str) -> str:
    if text == "last" or not _RUN_NAME.fullmatch(text):
        hint = "letters, digits, `.`, `_` and `-`, a letter or digit first; `last` is taken"
        raise UsageError("usage", f"`--save-as {text}` cannot be the name of a run", hint=hint)
    return text


def _check_together(words: BenchWords) -> None:
    if words.capacity and words.baseline is not None:
        raise UsageError("usage", "`--baseline` compares equal loads; `--capacity` looks for one")
    for name, given in (("--rate", words.rate), ("--duration", words.duration), ("--requests", words.requests)):
        if words.capacity and given is not None:
            raise UsageError("usage", f"`--capacity` chooses the load itself; it takes no `{name}`")


def whole(text: str, option: str, least: int, most: int) -> int:
    """Return a whole number from a range; UsageError for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 15 or not least <= int(text) <= most:
        raise UsageError("usage", f"`{option} {text}` is no whole number from {least} to {most}")
    return int(text)


def positive(text: str, option: str, most: float, unit: str) -> float:
    """Return a number above 0; UsageError for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= most:
        raise UsageError("usage", f"`{option} {text}` is no number of {unit} above 0 and up to {most:,.0f}")
    return value


def letter(text: str) -> Letter:
    """Return the grade of a name such as `B`; UsageError for anything else."""
    for known in Letter:
        if known.value == text.upper():
            return known
    names = ", ".join(known.value for known in Letter)
    raise UsageError("usage", f"`--min-grade {text}` is no grade", hint=f"the grades are {names}")


def _span(text: str, option: str, most: float) -> float:
    value = seconds(text, option)
    if not 0 < value <= most:
        raise UsageError("usage", f"`{option} {text}` is not above 0 and up to {most:g} s")
    return value
