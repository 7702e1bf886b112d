"""The clock that commands pass in: UTC stamps, durations and bounded pauses."""

from __future__ import annotations

import select
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What waiting code needs to know about time; tests turn one by hand."""

    def now(self) -> datetime:
        """Return the present time in UTC, with its offset."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only ever grow, for durations."""
        ...

    def pause(self, seconds: float) -> None:
        """Give the processor away for that long."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present time in UTC, with its offset."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic clock in seconds."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait that many seconds."""
        select.select((), (), (), max(0.0, seconds))
