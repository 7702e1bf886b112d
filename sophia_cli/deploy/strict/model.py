"""What HAProxy is to do for strict services: a front each, with numbered slots for the instances behind it."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass

USUAL_WEIGHT = 100
HIGHEST_WEIGHT = 256
_FEWEST_SLOTS = 8


class ServerState(Enum):
    """What a server gets; the values are HAProxy's words."""

    READY = "ready"
    DRAIN = "drain"  # what it has, and nothing more
    OFF = "maint"


@dataclass(frozen=True, slots=True)
class Server:
    """An instance behind a front: its private port, what it gets, and how large a share (1 to 256) of it."""

    port: int
    state: ServerState = ServerState.READY
    weight: int = USUAL_WEIGHT


@dataclass(frozen=True, slots=True)
class Address:
    """Where callers of a service are let in, as reached from this machine."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Front:
    """A service as HAProxy serves it: `host` and `port` are its public address, as reached from this machine.

    The slots are the servers of the configuration by number; None is one that was never used.
    """

    service: str
    host: str
    port: int
    slots: tuple[Server | None, ...]

    @property
    def address(self) -> Address:
        """The public address."""
        return Address(self.host, self.port)


def empty_slots(servers: int) -> tuple[Server | None, ...]:
    """Return slots for that many servers and those that will replace them."""
    return (None,) * max(_FEWEST_SLOTS, 2 * servers + 4)


def arranged(slots: tuple[Server | None, ...], wanted: tuple[Server, ...]) -> tuple[Server | None, ...] | None:
    """Return the slots with exactly the wanted servers in use; None when there are too few of them.

    A server that has a slot keeps it; what nobody wants is switched off.
    """
    by_port = {server.port: server for server in wanted}
    placed: set[int] = set()
    found: list[Server | None] = []
    for slot in slots:
        if slot is None:
            found.append(None)
        elif slot.port in by_port and slot.port not in placed:
            placed.add(slot.port)
            found.append(by_port[slot.port])
        else:
            found.append(Server(slot.port, ServerState.OFF, slot.weight))
    for server in wanted:
        if server.port in placed:
            continue
        # One that was never used first: it has no connection left over and no count to start from.
        free = [number for number, slot in enumerate(found) if slot is None]
        free += [number for number, slot in enumerate(found) if slot is not None and slot.state is ServerState.OFF]
        if not free:
            return None
        placed.add(server.port)
        found[free[0]] = server
    return tuple(found)
