"""What this process has used of the processors, and how long it was kept waiting for one."""

from __future__ import annotations

import os
import time

from sophia_cli.bench.engine.window import Usage

_SCHEDSTAT = "/proc/self/schedstat"


class UsageMeter:
    """Reads the kernel's figures; without them (an older kernel, another system) waiting counts as zero."""

    __slots__ = ("_schedstat",)

    def __init__(self) -> None:
        try:
            self._schedstat = os.open(_SCHEDSTAT, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._schedstat = -1

    def used(self) -> Usage:
        """Return what was used so far."""
        waited = slices = 0
        if self._schedstat >= 0:
            # Time on the processor, time waiting for it, and the number of slices.
            waited, slices = (int(word) for word in os.pread(self._schedstat, 128, 0).split()[1:3])
        return Usage(time.process_time_ns(), waited, slices)

    def close(self) -> None:
        """Close what was opened."""
        if self._schedstat >= 0:
            os.close(self._schedstat)
            self._schedstat = -1
