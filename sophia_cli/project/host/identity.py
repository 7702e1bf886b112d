"""Who a process is, beyond its number: numbers are used again, a number with its start time and boot is not."""

from __future__ import annotations

from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ProcessIdentity:
    """One process for all time: its pid, when it started (clock ticks since boot), and which boot that was."""

    pid: int
    start_ticks: int
    boot_id: str
