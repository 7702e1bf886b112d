"""When a service has warmed up: its latency no longer changes from one short window to the next."""

from __future__ import annotations

from collections.abc import Sequence

STEADY_WINDOWS = 3
STEADY_SPREAD = 1.2


def is_steady(medians_ms: Sequence[float | None]) -> bool:
    """Tell whether the medians of the last three windows lie within 20 % of one another; None is an empty window."""
    last = medians_ms[-STEADY_WINDOWS:]
    known = [median for median in last if median is not None]
    return len(known) == STEADY_WINDOWS and max(known) <= STEADY_SPREAD * min(known)
