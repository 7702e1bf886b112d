"""What the machine was doing meanwhile, from /proc; zero where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Clock ticks of all processors since the start of the machine: all of them, and those that its host took away."""

    total: int = 0
    stolen: int = 0

    def stolen_since(self, before: Ticks) -> float:
        """Return the share of the time since then that the host took away."""
        total = self.total - before.total
        return (self.stolen - before.stolen) / total if total > 0 else 0.0


def ticks() -> Ticks:
    """Return the ticks so far."""
    try:
        first = _STAT.read_text("ascii").partition("\n")[0].split()
    except OSError:
        return Ticks()
    # user nice system idle iowait irq softirq steal; guest time is in user already (proc(5)).
    values = [int(word) for word in first[1:9]]
    return Ticks(sum(values), values[7] if len(values) == 8 else 0)
