"""Two services measured in turn, a window each, so that what happens to the machine meanwhile meets both."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sophia_cli.bench.engine.load import LoadSpec
from sophia_cli.bench.judging.comparison import FEWEST_WINDOWS, compare
from sophia_cli.bench.run import Observe, measure
from sophia_cli.core.measurement_comparison import Change, Comparison
from sophia_cli.core.values import dataclass, replace

WINDOW_S = 1.0
_WARM_UP_S = 0.25


@dataclass(frozen=True, slots=True)
class Sides:
    """The load on the service that is judged, and the same load on the one that it is compared with."""

    baseline: LoadSpec
    judged: LoadSpec


def turns(rounds: int) -> Iterator[bool]:
    """Yield whether it is the baseline's turn: A B, then B A, so that a steady drift cancels out."""
    for number in range(rounds):
        yield number % 2 == 0
        yield number % 2 == 1


def compare_side_by_side(sides: Sides, rounds: int, target_ms: float, observe: Observe) -> Comparison:
    """Return how the judged service compares; one window each in every round, windows that were refused left out."""
    name = sides.baseline.target.url
    before: list[float] = []
    after: list[float] = []
    refused = ""
    for is_baseline in turns(max(rounds, FEWEST_WINDOWS)):
        spec = replace(
            sides.baseline if is_baseline else sides.judged,
            duration_s=WINDOW_S,
            warm_up_s=_WARM_UP_S,
            most_requests=None,
        )
        part = "side by side: baseline" if is_baseline else "side by side: this one"
        measured = measure(spec, target_ms, partial(observe, part))
        if measured.client.refusal is not None:
            refused = str(measured.client.refusal)
        elif measured.latency is not None:
            (before if is_baseline else after).append(measured.latency.p50)
    if refused and min(len(before), len(after)) < FEWEST_WINDOWS:
        return Comparison(
            name, Change.UNKNOWN, f"most windows were refused: {refused}", windows=(len(before), len(after))
        )
    return compare(name, before, after)
