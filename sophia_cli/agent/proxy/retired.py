"""Fronts that serve no more: their callers are sent to where the service is now, and their processes end with them.

Where a service goes to another port, its front on the port before accepts until that port is given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.agent.proxy.process import ProxyProcess, Retiring
from sophia_cli.agent.tasks import Tasks
from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.strict.model import Address

log = logging.getLogger(__name__)
_LAST_CALLER_LOOK_S = 0.5


class Retired:
    """The processes that serve nothing any more.

    `served_at` tells where a service is let in by the one that does; `heard` is told of what can be followed again.
    """

    def __init__(
        self,
        listeners: Listeners,
        tasks: Tasks,
        served_at: Callable[[str], Address | None],
        heard: Callable[[], None],
    ) -> None:
        self._listeners = listeners
        self._tasks = tasks
        self._served_at = served_at
        self._heard = heard
        self._processes: list[ProxyProcess] = []
        self._added: list[ProxyProcess] = []
        self._deaf: set[int] = set()

    @property
    def processes(self) -> tuple[ProxyProcess, ...]:
        """Those that still run, the oldest first."""
        return tuple(self._processes)

    def add(self, process: ProxyProcess) -> None:
        """Take a process over that is to serve nothing any more; to be followed by `follow`."""
        process.retire()
        _give_all_up(process)
        self._processes.append(process)
        self._added.append(process)

    async def follow(self, current: ProxyProcess | None) -> None:
        """Send the callers of all fronts that were given up, those of the current process too, to where they belong.

        The oldest come first, so that none is sent round in a circle. A process that cannot be told is told later.
        """
        for process in (*self._processes, *([] if current is None else [current])):
            if process.number in self._deaf:
                continue
            try:
                await self._send_on(process)
            except SophiaError as error:
                log.warning("callers not sent on", extra={"reason": error.message})
                if process is not current:
                    self._deaf.add(process.number)
        for process in self._added:
            self._tasks.begin(self._see_out(process))
        self._added.clear()

    async def _send_on(self, process: ProxyProcess) -> None:
        for service, known in tuple(process.retiring.items()):
            to = self._served_at(service) or self._listeners.address(service)
            closes = known.is_open and self._closes(service, known, to)
            if closes or known.to != to:
                await process.send_on(service, to, closes=closes)

    def _closes(self, service: str, known: Retiring, to: Address | None) -> bool:
        """Whether a front is to accept no more: where others do, or nobody, or the port is nobody's any longer."""
        port = known.front.port
        return to is None or to.port == port or not self._listeners.has(service, port)

    async def _see_out(self, process: ProxyProcess) -> None:
        """End a process once its fronts are closed and its last caller has gone."""
        while not process.is_over:
            try:
                if not process.is_known:
                    await process.learn()
                    _give_all_up(process)
                    self._heard()
                callers = sum((await process.counted()).callers.values())
                if process.number in self._deaf:
                    self._deaf.remove(process.number)
                    self._heard()
            except SophiaError:
                callers = 0
            if callers == 0 and not any(known.is_open for known in process.retiring.values()):
                process.end()
            await asyncio.sleep(_LAST_CALLER_LOOK_S)
        self._processes.remove(process)
        self._deaf.discard(process.number)
        process.forget()


def _give_all_up(process: ProxyProcess) -> None:
    for service in tuple(process.fronts):
        process.give_up(service)
