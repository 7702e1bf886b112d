"""Grades: a letter that never travels without its measurement and its scale."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from sophia_cli.core.values import dataclass


class Letter(Enum):
    """A+ is best, F is worst."""

    A_PLUS = "A+"
    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"

    @property
    def rank(self) -> int:
        """0 for the best letter, more for worse ones."""
        return tuple(Letter).index(self)


def worst(letters: Iterable[Letter]) -> Letter:
    """Return the worst of some letters; ValueError when there is none."""
    return max(letters, key=lambda letter: letter.rank)


@dataclass(frozen=True, slots=True)
class Scale:
    """Upper bounds, best letter first: a measurement gets the first letter whose bound it does not exceed, else F."""

    unit: str
    bounds: tuple[tuple[Letter, float], ...]

    def letter(self, measured: float) -> Letter:
        """Return the letter for a measurement in `unit`."""
        for letter, bound in self.bounds:
            if measured <= bound:
                return letter
        return Letter.F

    def describe(self) -> str:
        """Return the scale in one line, for printing beside the grade."""
        steps = ", ".join(f"{letter.value} <= {bound:g}" for letter, bound in self.bounds)
        return f"{steps}, else F ({self.unit})"


@dataclass(frozen=True, slots=True)
class Grade:
    """A letter, what was measured, on which scale, and the reason when a rule decided instead of the scale."""

    letter: Letter
    measured: float
    scale: Scale
    reason: str
