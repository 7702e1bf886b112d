"""Texts on the way to one that compiles, and which of them are worth going on with."""

from __future__ import annotations

import math
from collections import Counter

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.change import Change
from sophia_cli.fixers.syntax.compiler import is_late
from sophia_cli.fixers.syntax.features import Features
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.syntax.progress import is_vague

BURDEN = 2.0
"""For the order in which unfinished texts are looked at: what a change costs that loses lines."""


@dataclass(frozen=True)
class State:
    """A text on the way: its lines, the changes made so far and what they cost, and the fault that is next."""

    lines: list[str]
    changes: tuple[Change, ...]
    features: Features
    cost: float
    priority: float
    fault: SyntaxFault | None


def text_of(lines: list[str]) -> str:
    """Return the lines as one text with a final newline."""
    return "\n".join(lines) + "\n" if lines else ""


def beam(states: list[State], width: int, lead: float) -> list[State]:
    """Keep the most promising states, no more than two that come to the same next fault.

    Those that are `lead` behind the best are left out.
    """
    kept: list[State] = []
    arrivals: Counter[tuple[int, str]] = Counter()
    for state in sorted(states, key=lambda s: (s.priority, s.cost)):
        arrival = (state.fault.line, state.fault.message) if state.fault else (0, "")
        arrivals[arrival] += 1
        if arrivals[arrival] <= 2:
            kept.append(state)
        if len(kept) == width:
            break
    return [state for state in kept if state.priority < kept[0].priority + lead]


def abreast(states: list[State], width: int) -> tuple[list[State], list[State]]:
    """Return the most promising of the states that are least far, and all that came further.

    Costs of texts with different faults left are hard to compare: who came further has paid for more.
    """
    behind = min(map(_reach, states))
    return beam([s for s in states if _reach(s) == behind], width, math.inf), [s for s in states if _reach(s) > behind]


def undominated(states: list[State], slack: float) -> list[State]:
    """Leave out the states that cost more, by `slack`, than one that came further."""
    kept: list[State] = []
    cheapest = math.inf
    for state in sorted(states, key=lambda s: (-_reach(s), s.cost)):
        if state.cost < cheapest + slack:
            kept.append(state)
            if state.fault is not None and not is_vague(state.fault):
                cheapest = min(cheapest, state.cost + BURDEN * state.features.get("lines-lost", 0.0))
    return kept


def _reach(state: State) -> int:
    """Up to which line a text is right, counted from its end, since changes move lines."""
    assert state.fault is not None
    return (len(state.lines) if is_late(state.fault) else state.fault.line) - len(state.lines)
