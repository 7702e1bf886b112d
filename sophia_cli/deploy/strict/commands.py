"""What is said to HAProxy's runtime API to bring its servers from one arrangement to another; and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sophia_cli.core.values import dataclass
from sophia_cli.deploy.strict.configuration import (
    PUBLIC_SERVER,
    back_name,
    front_name,
    service_of,
    slot_name,
    slot_number,
)
from sophia_cli.deploy.strict.model import Address, Front, Server, ServerState

SHOW_SERVERS = "show servers state"
SHOW_COUNTERS = "show stat"
SHOW_INFO = "show info"
_FORCED_OFF = 0x01 | 0x02 | 0x20
_FORCED_DRAIN = 0x08 | 0x10
_USED_PORT = 2


class UnreadableAnswer(ValueError):
    """The runtime API answered in a form that is not known."""


@dataclass(frozen=True, slots=True)
class _Change:
    """The commands for one slot; those that bring a server in come before those that take one out."""

    takes_out: bool
    commands: tuple[str, ...]


def changes(service: str, before: tuple[Server | None, ...], after: tuple[Server | None, ...]) -> tuple[str, ...]:
    """Return the commands between two arrangements of the same slots; who comes is let in before who goes is let go."""
    found: list[_Change] = []
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if new is None or old == new:
            continue
        name = f"set server {back_name(service)}/{slot_name(number)}"
        words: list[str] = []
        if old is None or old.port != new.port:
            words.append(f"{name} addr 127.0.0.1 port {new.port}")
        if old is None or old.weight != new.weight:
            words.append(f"{name} weight {new.weight}")
        if old is None or old.state is not new.state:
            words.append(f"{name} state {new.state.value}")
        found.append(_Change(new.state is not ServerState.READY, tuple(words)))
    found.sort(key=lambda change: change.takes_out)
    return tuple(command for change in found for command in change.commands)


def retiring(front: Front, to: Address | None, *, closes: bool) -> tuple[str, ...]:
    """Return the commands with which the servers of a front get no more, and requests go to an address instead.

    With `closes` the front accepts no more first; else it goes on for callers who do not know that address. Without an
    address requests are told that nobody serves.
    """
    back = back_name(front.service)
    words = [f"shutdown frontend {front_name(front.service)}"] if closes else []
    if to is not None:
        server = f"set server {back}/{PUBLIC_SERVER}"
        words += [f"{server} addr {to.host} port {to.port}", f"{server} state ready"]
    used = (number for number, slot in enumerate(front.slots) if slot is not None and slot.state is not ServerState.OFF)
    return (*words, *(f"set server {back}/{slot_name(number)} state drain" for number in used))


def cutting(service: str, slots: Iterable[int]) -> tuple[str, ...]:
    """Return the commands that end what the servers in some slots still have."""
    return tuple(f"shutdown sessions server {back_name(service)}/{slot_name(number)}" for number in slots)


def arrangements(answer: str) -> Mapping[str, Front]:
    """Return the fronts of all services as `show servers state` tells them; UnreadableAnswer."""
    places: dict[str, tuple[str, int]] = {}
    found: dict[str, dict[int, Server | None]] = {}
    for row in _table(answer, "# ", " ", skip=1):
        service, name = service_of(row.get("be_name", "")), row.get("srv_name", "")
        if service is None:
            continue
        slots, number = found.setdefault(service, {}), slot_number(name)
        try:
            port, flags, weight = int(row["srv_port"]), int(row["srv_admin_state"]), int(row["srv_uweight"])
            if name == PUBLIC_SERVER:
                places[service] = (row["srv_addr"], port)
        except (KeyError, ValueError) as error:
            raise UnreadableAnswer(f"a server of `{service}` is told without {error}") from error
        if number is not None:
            slots[number] = Server(port, _state(flags), weight) if port >= _USED_PORT else None
    if found.keys() != places.keys():
        raise UnreadableAnswer("a service is told without its public address")
    arranged = {service: tuple(slots[number] for number in sorted(slots)) for service, slots in found.items()}
    return {service: Front(service, *places[service], slots) for service, slots in arranged.items()}


def _state(flags: int) -> ServerState:
    if flags & _FORCED_OFF:
        return ServerState.OFF
    return ServerState.DRAIN if flags & _FORCED_DRAIN else ServerState.READY


@dataclass(frozen=True, slots=True)
class Counters:
    """What HAProxy counted for one server: open `sessions`, `answered` requests, and those that `failed`.

    Failed are answers 5xx, refused connections and connections that ended without an answer, also where the request was
    sent again to another server.
    """

    port: int
    sessions: int
    answered: int
    failed: int


@dataclass(frozen=True, slots=True)
class Counted:
    """All counters: the servers by service and slot; fronts that accept, and sessions of callers by service."""

    servers: Mapping[str, Mapping[int, Counters]]
    open_fronts: frozenset[str]
    callers: Mapping[str, int]


def counted(answer: str) -> Counted:
    """Return the counters that `show stat` tells; UnreadableAnswer."""
    servers: dict[str, dict[int, Counters]] = {}
    open_fronts: set[str] = set()
    callers: dict[str, int] = {}
    for row in _table(answer, "# ", ",", skip=0):
        name, server = row.get("pxname", ""), row.get("svname", "")
        if server == "FRONTEND" and name.startswith("front-"):
            service = name.removeprefix("front-")
            callers[service] = _number(row, "scur")
            if row.get("status") == "OPEN":
                open_fronts.add(service)
            continue
        own, number = service_of(name), slot_number(server)
        if own is not None and number is not None:
            servers.setdefault(own, {})[number] = _counters(row)
    return Counted(servers, frozenset(open_fronts), callers)


def _counters(row: Mapping[str, str]) -> Counters:
    answers = sum(_number(row, f"hrsp_{kind}") for kind in ("1xx", "2xx", "3xx", "4xx", "5xx", "other"))
    failed = _number(row, "hrsp_5xx") + _number(row, "econ") + _number(row, "eresp")
    port = row.get("addr", "").rpartition(":")[2]
    return Counters(int(port) if port.isdigit() else 0, _number(row, "scur"), answers, failed)


def _number(row: Mapping[str, str], name: str) -> int:
    text = row.get(name, "")
    return int(text) if text.isdigit() else 0


def _table(answer: str, mark: str, separator: str, *, skip: int) -> list[dict[str, str]]:
    """Return the rows of an answer under the names of its heading; `skip` lines come before that."""
    lines = [line for line in answer.splitlines() if line.strip()][skip:]
    if not lines or not lines[0].startswith(mark):
        raise UnreadableAnswer(f"no table but {answer[:80]!r}")
    names = lines[0].removeprefix(mark).split(separator)
    return [dict(zip(names, line.split(separator), strict=False)) for line in lines[1:] if not line.startswith("#")]
