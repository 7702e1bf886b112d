"""From measurements to a grade: the scale, the caps, and the rule that decided."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.bench.judging.scale import latency_scale, multiples
from sophia_cli.core.grades import Grade, Letter
from sophia_cli.core.measurement import Latency, Measurement, UpperBounds
from sophia_cli.core.measurement_report import Checked
from sophia_cli.core.values import dataclass

FEWEST_SAMPLES = 1_000
SLOW_FIRST = 20
LONG_TAIL = 10
LEAST_ACHIEVED = 0.99


@dataclass(frozen=True, slots=True)
class Ruling:
    """The letter that one rule allows at best, and the rule in words with its figures."""

    letter: Letter
    reason: str


def grade_of(loaded: Measurement, idle: Measurement | None, first_ms: float, target_ms: float) -> Grade:
    """Return the grade: the worst that the scale and the caps allow, and the first rule that allows no better."""
    scale = latency_scale(target_ms)
    measured = max(
        (_worst_multiple(m.latency, m.bounds, target_ms) for m in (idle, loaded) if m and m.latency), default=0.0
    )
    rulings = list(_rulings(loaded, idle, first_ms, target_ms))
    decisive = max(rulings, key=lambda ruling: ruling.letter.rank)
    return Grade(decisive.letter, round(measured, 3), scale, decisive.reason)


def with_checks(grade: Grade, checks: Checked) -> Grade:
    """Return the grade of a service whose functional checks came to that: F when one of them failed."""
    if not checks.failed:
        return grade
    first, count = checks.failed[0], checks.passed + len(checks.failed)
    reason = f"{len(checks.failed)} of {count} functional checks failed, `{first.name}` since {first.message}: F"
    return Grade(Letter.F, grade.measured, grade.scale, reason)


def _rulings(loaded: Measurement, idle: Measurement | None, first_ms: float, target_ms: float) -> Iterator[Ruling]:
    if loaded.latency is None:
        yield Ruling(Letter.F, "no request was answered")
        return
    # Equal letters: the rule that comes first here is named, so the worse of idle and loaded comes first.
    by_latency = [_by_latency("under load", loaded, target_ms)]
    if idle is not None and idle.latency is not None:
        by_latency.append(_by_latency("with one connection", idle, target_ms))
    yield from sorted(by_latency, key=lambda ruling: -ruling.letter.rank)
    yield from _error_caps(loaded)
    if idle is not None:
        yield from _error_caps(idle)
    yield from _tail_cap(loaded.latency, target_ms)
    if loaded.achieved is not None and loaded.achieved < LEAST_ACHIEVED:
        share = f"{loaded.achieved:.1%} of the offered requests were answered in time, fewer than 99 %"
        yield Ruling(Letter.C, f"{share}: at best C")
    if loaded.answers < FEWEST_SAMPLES:
        yield Ruling(Letter.A, f"{loaded.answers} samples, fewer than {FEWEST_SAMPLES}: no plus")
    typical = loaded.latency.p50 if idle is None or idle.latency is None else idle.latency.p50
    if first_ms > SLOW_FIRST * typical:
        yield Ruling(Letter.A, f"the first request took {first_ms:.1f} ms, over {SLOW_FIRST} x p50: no plus")


def _by_latency(where: str, measured: Measurement, target_ms: float) -> Ruling:
    assert measured.latency is not None  # asked before
    rows = _bounded(measured.latency, measured.bounds, target_ms)
    name, multiple = max(rows, key=lambda row: row[1])
    letter = latency_scale(target_ms).letter(multiple)
    step = {"p50": target_ms / 2, "p95": target_ms, "p99": target_ms * 2}[name]
    reason = (
        f"{name} {where} is at most {multiple * step:.3g} ms (95 % sure), {multiple:.3g} x the {step:g} ms of an A+"
    )
    if letter is Letter.A_PLUS and None in (measured.bounds.p50, measured.bounds.p95, measured.bounds.p99):
        return Ruling(Letter.A, f"{measured.answers} samples {where} are too few to bound p99: no plus")
    return Ruling(letter, reason)


def _bounded(latency: Latency, bounds: UpperBounds, target_ms: float) -> tuple[tuple[str, float], ...]:
    """Return the multiples of the upper bounds; where there is no bound the largest sample has to do."""
    values = (bound if bound is not None else latency.max for bound in (bounds.p50, bounds.p95, bounds.p99))
    return multiples(target_ms, *values)


def _worst_multiple(latency: Latency, bounds: UpperBounds, target_ms: float) -> float:
    return max(multiple for _, multiple in _bounded(latency, bounds, target_ms))


def _error_caps(measured: Measurement) -> Iterator[Ruling]:
    if not measured.errors:
        return
    kinds = ", ".join(f"{failure.count} {failure.kind}" for failure in measured.failures)
    said = f"{measured.errors} of {measured.requests} requests failed ({kinds})"
    if measured.error_rate > 0.01:
        yield Ruling(Letter.F, f"{said}, more than 1 %: F")
    elif measured.error_rate > 0.001:
        yield Ruling(Letter.B, f"{said}, more than 0.1 %: at best B")
    else:
        yield Ruling(Letter.A, f"{said}: at best A")


def _tail_cap(latency: Latency, target_ms: float) -> Iterator[Ruling]:
    if latency.p99 > LONG_TAIL * latency.p50 and latency.p99 > target_ms:
        times = latency.p99 / latency.p50
        yield Ruling(Letter.A, f"p99 is {times:.1f} x p50 and over {target_ms:g} ms: at best A")
