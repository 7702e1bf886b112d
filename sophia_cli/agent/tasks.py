"""Tasks of the agent: held until they end, and what ends one against expectation is in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """Holds tasks, which the event loop alone does not."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._held: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:  # Any: whatever coroutines yield and take
        """Run some work as a task of its own."""
        task = self._loop.create_task(work)
        self._held.add(task)
        task.add_done_callback(self._ended)
        return task

    def cancel(self) -> None:
        """End all of them."""
        for task in tuple(self._held):
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._held.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the agent broke", exc_info=error)
