"""How a measurement compares with an earlier one of the same service."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


class Change(Enum):
    """What became of the latency; UNKNOWN when the figures do not say."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A baseline against what was measured now, window by window.

    `baseline` says which run it is. `shift` is by how much the median latency changed (0.2 is 20 % more), `shift_low`
    and `shift_high` its 99 % confidence interval, `probability` that of such a difference by chance alone
    (Mann-Whitney, two sided). They are None when nothing could be compared. `windows` are those of the baseline and of
    now; `windows_needed` is how many of each it takes to find a change of 20 % in 95 of 100 runs.
    """

    baseline: str
    change: Change
    reason: str
    shift: float | None = None
    shift_low: float | None = None
    shift_high: float | None = None
    probability: float | None = None
    windows: tuple[int, int] = (0, 0)
    windows_needed: int | None = None
