"""The public addresses of services: one listening socket each, owned by the agent, shared with instances."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable

from sophia_cli.agent.listening.holding import Holding
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.strict.model import Address
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.sockets import (
    PortInUse,
    address_of_listener,
    create_listener,
    next_free_port,
    port_of,
    take_listener,
)
from sophia_cli.project.settings.service_model import PortConflict, Service

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Moved:
    """A service that listens elsewhere than its settings say, and who holds its port."""

    wanted: int
    port: int
    holder: str


class Listeners:
    """Opens, keeps and takes back the public listeners, by service.

    While a rollout brings another port, the listener on the port before is kept as well: whatever serves there and ends
    has a socket to come back to, until it is settled which one stays. With a `holding` a process of its own keeps
    copies of them, where services cannot hand theirs to the next agent.
    """

    def __init__(self, holding: Holding | None = None) -> None:
        self._open: dict[str, socket.socket] = {}
        self._aside: dict[str, socket.socket] = {}
        self._holding = holding
        if holding is not None:
            holding.lost = self._keep_all

    def find(self, service: str, port: int | None = None) -> socket.socket | None:
        """Return the listener of a service, None while there is none; with a `port` the one on it, where it has two."""
        aside = self._aside.get(service)
        return aside if aside is not None and port == port_of(aside) else self._open.get(service)

    def port(self, service: str) -> int | None:
        """Return the port that a service's listener is bound to, None while there is none."""
        listener = self._open.get(service)
        return None if listener is None else port_of(listener)

    def has(self, service: str, port: int) -> bool:
        """Whether a service has a listener on a port, be it that of the release before."""
        found = (self._open.get(service), self._aside.get(service))
        return any(port_of(listener) == port for listener in found if listener is not None)

    def address(self, service: str) -> Address | None:
        """Return where a service's listener is reached, None while there is none."""
        listener = self._open.get(service)
        return None if listener is None else Address(*address_of_listener(listener))

    def open(self, service: Service, before: int | None = None) -> Moved | None:
        """Open a service's listener where it is not open; tells when it had to move.

        `before` is the port that it was moved to earlier, which is tried when its own is still held. Raises PortInUse,
        which names the holder, and PortRefused.
        """
        assert service.port is not None
        listener = self._open.get(service.name)
        if listener is not None and port_of(listener) in (service.port, before):
            return None
        if listener is not None:
            # The settings name another port now, or that of the release before is to be served again.
            self._put_aside(service.name, listener, service.port)
            if service.name in self._open:
                return None
        try:
            return self._opened(service, before)
        except SophiaError:
            if listener is not None:
                self._aside.pop(service.name, None)
                self.keep(service.name, listener)
            raise

    def _opened(self, service: Service, before: int | None) -> Moved | None:
        assert service.port is not None
        try:
            self.keep(service.name, create_listener(service.host, service.port))
        except PortInUse as error:
            if service.on_port_conflict is not PortConflict.MOVE:
                raise
            return self._moved(service, before, error)
        return None

    def _moved(self, service: Service, before: int | None, conflict: PortInUse) -> Moved:
        assert service.port is not None
        port = before
        if port is not None:
            try:
                self.keep(service.name, create_listener(service.host, port))
            except PortInUse:
                port = None
        if port is None:
            port = next_free_port(service.host, service.port + 1)
            if port is None:
                raise conflict
            self.keep(service.name, create_listener(service.host, port))
        who = " and ".join(holder.description for holder in conflict.holders)
        return Moved(service.port, port, who)

    def take_back(self, service: str, host: str, port: int, holders: Iterable[ProcessIdentity]) -> bool:
        """Take a service's listener from who keeps it, else from the processes that serve on it; False without one."""
        if self._take_kept(service, port):
            return True
        for holder in holders:
            taken = take_listener(holder, host, port)
            if isinstance(taken, Missing):
                log.warning("listener not taken back", extra={"service": service, "reason": taken.reason})
                return False
            if taken is not None:
                self.keep(service, taken)
                return True
        return False

    def _take_kept(self, service: str, port: int) -> bool:
        """Take the listener on a port from the process that keeps copies, which lets go of any other of the service."""
        if self._holding is None:
            return False
        found: socket.socket | None = None
        for name in (service, _aside_name(service)):
            kept = self._holding.take(name)
            if kept is not None and port_of(kept) == port:
                found = kept
            elif kept is not None:
                kept.close()
        if found is None:
            self._holding.drop(service)
        else:
            self.keep(service, found)
        self._holding.drop(_aside_name(service))
        return found is not None

    def keep(self, service: str, listener: socket.socket) -> None:
        """Keep a listener under the name of a service."""
        self._open[service] = listener
        if self._holding is not None:
            self._holding.keep(service, listener)

    def settle(self, service: str, port: int | None, *, is_back: bool = False) -> None:
        """Have one listener stay where there are two: that on the port, else the later (`is_back`: the earlier) one."""
        aside = self._aside.pop(service, None)
        if aside is None:
            return
        listener = self._open.get(service)
        ports = [port_of(aside), *([] if listener is None else [port_of(listener)])]
        if listener is None or port == ports[0] or (is_back and port not in ports):
            self.keep(service, aside)
            aside = listener
        if aside is not None:
            aside.close()
        if self._holding is not None:
            self._holding.drop(_aside_name(service))

    def close(self, service: str) -> None:
        """Close a listener for good; instances that have a copy of it go on with theirs."""
        for found, name in ((self._open, service), (self._aside, _aside_name(service))):
            listener = found.pop(service, None)
            if listener is not None:
                listener.close()
            if self._holding is not None and (found is self._open or listener is not None):
                self._holding.drop(name)

    def close_all(self) -> None:
        """Close the agent's copies of all listeners; what is held elsewhere stays for the next agent."""
        self._holding = None
        for service in (*self._open, *self._aside):
            self.close(service)

    def _put_aside(self, service: str, listener: socket.socket, wanted: int) -> None:
        """Put a listener aside; the one that was there takes its place when it has the wanted port."""
        before = self._aside.pop(service, None)
        del self._open[service]
        self._aside[service] = listener
        if before is not None and port_of(before) == wanted:
            self._open[service] = before
        elif before is not None:
            before.close()
        self._keep_all()

    def _keep_all(self) -> None:
        if self._holding is not None:
            for service, listener in self._open.items():
                self._holding.keep(service, listener)
            for service, listener in self._aside.items():
                self._holding.keep(_aside_name(service), listener)


def _aside_name(service: str) -> str:
    # No service can be called so.
    return f"{service}@before"
