"""What the machine was doing meanwhile, from /proc; zero where there is none."""

from __future__ import annotations

from pathlib import Path

from sophia_cli.core.values import dataclass

_STAT = Path("/proc/stat")
_GROUP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Clock ticks of all processors since the start of the machine: all of them, and those that its host took away.

    `throttled_us` is how long the processes of this one's control group were kept off the processors by their quota.
    """

    total: int = 0
    stolen: int = 0
    throttled_us: int = 0

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
    return Ticks(sum(values), values[7] if len(values) == 8 else 0, _throttled_us())


def _throttled_us() -> int:
    """Return what the control groups of this process (version 1 or 2) say about their quotas; 0 without one."""
    try:
        lines = _GROUP.read_text("utf-8").splitlines()
    except OSError:
        return 0
    found = 0
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            found += _figure(_GROUPS / path.lstrip("/") / "cpu.stat", "throttled_usec")
        elif "cpu" in controllers.split(","):
            found += _figure(_GROUPS / "cpu" / path.lstrip("/") / "cpu.stat", "throttled_time") // 1_000
    return found


def _figure(stat: Path, name: str) -> int:
    try:
        text = stat.read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0)
