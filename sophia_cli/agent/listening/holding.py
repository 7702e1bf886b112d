"""The agent's side of the descriptor holder: started when it is first needed, given every listener, asked for them."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from sophia_cli.agent.listening.holder import SERVE_ON, drop, holder_command, keep, take
from sophia_cli.agent.reaper import Ended, Reaper
from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.link.address import connect, listen
from sophia_cli.project.host.spawn import SpawnSpec, spawn

log = logging.getLogger(__name__)
HOLDER_SOCKET = "holder"
_LIMIT_S = 2.0


class Holding:
    """Keeps copies of listeners in a process that outlives the agent."""

    def __init__(self, run_folder: Path, reaper: Reaper) -> None:
        self._folder = run_folder
        self._reaper = reaper
        self.lost: Callable[[], None] | None = None

    def keep(self, service: str, listener: socket.socket) -> None:
        """Hand a listener over; what keeps that from working is told in the log, services go on."""
        if self._kept(service, listener):
            return
        try:
            self._start()
        except (SophiaError, OSError) as error:
            log.warning("no descriptor holder", extra={"reason": str(error)})
            return
        if not self._kept(service, listener):
            log.warning("listener not kept", extra={"service": service})

    def take(self, service: str) -> socket.socket | None:
        """Return the listener that is kept for a service; None when there is none."""
        connection = self._connected()
        return None if connection is None else take(connection, service)

    def drop(self, service: str) -> None:
        """Have the holder close the listener of a service."""
        connection = self._connected()
        if connection is not None:
            drop(connection, service)

    def _kept(self, service: str, listener: socket.socket) -> bool:
        connection = self._connected()
        return connection is not None and keep(connection, service, listener)

    def _connected(self) -> socket.socket | None:
        try:
            return connect(self._folder, HOLDER_SOCKET, _LIMIT_S)
        except OSError:
            return None

    def _start(self) -> None:
        with listen(self._folder, HOLDER_SOCKET) as door:
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            try:
                # Its environment names no project: it is no instance, and outlives those that adopt or end them.
                spec = SpawnSpec(holder_command(), {}, Path("/"), nowhere, {SERVE_ON: door.fileno()})
                spawned = spawn(spec)
            finally:
                os.close(nowhere)
        if spawned.pidfd is not None:
            os.close(spawned.pidfd)
        self._reaper.child(spawned.identity.pid, self._ended)

    def _ended(self, how: Ended) -> None:
        log.info("descriptor holder ended", extra={"how": how.describe()})
        if self.lost is not None:
            self.lost()
