"""What the event loop says when the machine is short of descriptors: told seldom, since it is said without end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sophia_cli.project.clock import Clock
from sophia_cli.project.host.spawn_errors import SHORTAGES

log = logging.getLogger(__name__)
_EVERY_S = 10.0


class ShortageTold:
    """Handles what goes wrong in callbacks of the loop; a shortage gets one line every ten seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_at: float | None = None

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # Any: as asyncio says it
        """Tell a shortage; everything else is told as the loop does by itself."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in SHORTAGES):
            loop.default_exception_handler(context)
            return
        now = self._clock.monotonic()
        if self._told_at is None or now - self._told_at >= _EVERY_S:
            self._told_at = now
            log.warning(
                "short of what the machine gives", extra={"reason": error.strerror, "where": context["message"]}
            )
