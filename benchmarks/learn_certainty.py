"""How sure the best candidate is: learned from repositories that were left out when costs were learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sophia_cli.fixers.syntax.certainty import MARGIN, Operation, certainty_inputs
from sophia_cli.fixers.syntax.doubts import doubts
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.losses import differing, lost_definitions, lost_lines, lost_words
from sophia_cli.fixers.syntax.safety import is_doubtful
from sophia_cli.fixers.syntax.search import Outcome
from sophia_cli.fixers.syntax.site import indent_unit

PRECISION = 0.88
_MINIMUM = 3  # rows that have an input before anything is learned of it
_STRENGTH = 0.3
_PLAIN = frozenset({"any", "lead", "indents", "lead-indents", "several", "again"})
"""The inputs that say nothing of what was done; all rows tell of them, so they are held back less."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of the best candidate of a row left out, and whether it is right."""

    margin: float
    operations: tuple[Operation, ...]
    may_be_safe: bool
    right: bool


def may_be_safe(broken: str, outcome: Outcome) -> bool:
    """Return whether nothing but its certainty keeps an outcome from being safe."""
    parts = differing(broken, outcome.text, Judge().compiles)
    if is_doubtful(broken, outcome.changes) or lost_lines(*parts) or lost_definitions(*parts):
        return False
    step = len(indent_unit(broken.split("\n")))
    return lost_words(*parts) <= 1 and not doubts(
        broken, parts, outcome.changes, step, outcome.outcome.get("unresolved", 0.0)
    )


def judged(scored: Sequence[tuple[float, dict[str, Any]]]) -> Judged:
    """Return what is known of the cheapest of a row's candidates (`learn_costs.candidates_of`)."""
    ordered = sorted(scored, key=lambda item: item[0])
    cost, best = ordered[0]
    margin = min(ordered[1][0] - cost, MARGIN) if len(ordered) > 1 else MARGIN
    operations = tuple((op, detail, token) for op, detail, token in best["operations"])
    return Judged(margin, operations, best["may-be-safe"], best["right"])


def calibrate(rows: Sequence[Judged]) -> tuple[dict[str, float], float]:
    """Return the weights that make `certainty` honest for repairs that may be safe, and the certainty from which
    nearly nine of ten are right."""
    import numpy as np
    from scipy.optimize import minimize

    able = [row for row in rows if row.may_be_safe]
    inputs = [certainty_inputs(row.margin, row.operations) for row in able]
    counts = Counter(name for one in inputs for name in one)
    names = sorted(name for name, count in counts.items() if count >= _MINIMUM)
    x = np.array([[one.get(name, 0.0) for name in names] for one in inputs])
    y = np.array([row.right for row in able], dtype=float)
    hold = np.array([0.0 if name == "any" else _STRENGTH * (0.3 if name in _PLAIN else 1.0) for name in names])

    def objective(v: Any) -> float:
        z = x @ v
        return float(np.sum(np.logaddexp(0, z) - y * z) + np.sum(hold * v * v))

    weights = minimize(objective, np.zeros(len(names))).x
    sure = 1 / (1 + np.exp(-(x @ weights)))
    chosen = 0.95
    for percent in range(95, 40, -3):
        picked = sure >= percent / 100
        if picked.sum():
            precision = y[picked].mean()
            print(f"certainty >= {percent} %: {picked.sum()} of {len(rows)} rows, {precision:.0%} right")
            if picked.sum() >= 10 and precision >= PRECISION:
                chosen = percent / 100
    return {name: round(float(v), 3) for name, v in zip(names, weights, strict=True) if abs(v) >= 0.005}, chosen
