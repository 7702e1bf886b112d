"""A world in which the load engine runs at a speed of its own: sockets, poller and clock are all simulated.

Time passes only while the engine waits in `poll`, so what it measures is exact and does not depend on the machine.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sophia_cli.bench.connecting.connection import Connection
from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.loop import LoadLoop
from sophia_cli.bench.engine.pacing import Pace
from sophia_cli.bench.engine.poller import READ, WRITE
from sophia_cli.bench.engine.run_state import LoopPlan, Measure
from sophia_cli.bench.engine.window import Stage, Usage, Window
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.checks.response import ResponseReader

MS = 1_000_000
S = 1_000_000_000
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 2\r\n\r\nok"
CONTROL_FD = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that arrive that many nanoseconds after the request; empty bytes are the end of the connection."""

    after_ns: int
    data: bytes


# Gets the moment of a request and its number, returns what comes back.
Service = Callable[[int, int], list[Piece]]


def always(delay_ns: int, data: bytes = OK) -> Service:
    """Return a service that answers after a fixed delay."""
    return lambda now, number: [Piece(delay_ns, data)]


@dataclass(slots=True)
class World:
    """The clock, the wires and the service at their other end."""

    service: Service
    now: int = 1_000 * S
    requests: int = 0
    refused: bool = False
    opened: int = 0
    closed: int = 0
    readable: dict[int, None] = field(default_factory=dict)
    _events: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _fds: itertools.count[int] = field(default_factory=lambda: itertools.count(10))

    def clock(self) -> int:
        return self.now

    def at(self, moment: int, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), act))

    def pass_until(self, limit: int) -> None:
        """Let time pass to the next event, or to the limit when that comes first, and do what is due."""
        moment = min(limit, self._events[0][0]) if self._events else limit
        self.now = max(self.now, moment)
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()

    def dial(self) -> Wire:
        self.opened += 1
        if self.refused:
            raise ConnectionRefusedError(111, "Connection refused")
        return Wire(self, next(self._fds))


class Wire:
    """The engine's end of a connection, with the methods of a socket that the engine uses."""

    def __init__(self, world: World, fd: int) -> None:
        self._world = world
        self._fd = fd
        self._received = bytearray()
        self._ended = False
        self._open = True

    def fileno(self) -> int:
        return self._fd

    def getsockopt(self, level: int, name: int) -> int:
        return 0

    def send(self, data: bytes) -> int:
        world = self._world
        world.requests += 1
        for piece in world.service(world.now, world.requests):
            world.at(world.now + piece.after_ns, partial(self._arrive, piece.data))
        return len(data)

    def recv_into(self, buffer: bytearray) -> int:
        if not self._received:
            if self._ended:
                return 0
            raise BlockingIOError
        size = min(len(buffer), len(self._received))
        buffer[:size] = self._received[:size]
        del self._received[:size]
        if not self._received and not self._ended:
            del self._world.readable[self._fd]
        return size

    def close(self) -> None:
        if self._open:
            self._open = False
            self._world.closed += 1
            self._world.readable.pop(self._fd, None)

    def _arrive(self, data: bytes) -> None:
        self._received += data
        self._ended = self._ended or not data
        if self._open:
            self._world.readable[self._fd] = None


class VirtualPoller:
    """Level-triggered, like epoll; what is watched for writing can always be written."""

    def __init__(self, world: World, control: VirtualControl) -> None:
        self._world = world
        self._control = control
        self._watched: dict[int, int] = {}
        self._writing: dict[int, None] = {}

    def watch(self, fd: int, bits: int) -> None:
        assert fd not in self._watched
        self._set(fd, bits)

    def change(self, fd: int, bits: int) -> None:
        assert fd in self._watched
        self._set(fd, bits)

    def forget(self, fd: int) -> None:
        self._watched.pop(fd, None)
        self._writing.pop(fd, None)

    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        limit = self._world.now + max(0, round(timeout_s * S))
        ready = self._ready()
        while not ready and self._world.now < limit:
            self._world.pass_until(limit)
            ready = self._ready()
        if not ready:
            self._world.pass_until(limit)
        return ready

    def close(self) -> None:
        self._watched.clear()

    def _ready(self) -> list[tuple[int, int]]:
        found = [(CONTROL_FD, READ)] if self._control.is_ready(self._world.now) else []
        found += [(fd, READ) for fd in self._world.readable if self._watched.get(fd, 0) & READ]
        found += [(fd, WRITE) for fd in self._writing]
        return found

    def _set(self, fd: int, bits: int) -> None:
        self._watched[fd] = bits
        self._writing.pop(fd, None)
        if bits & WRITE:
            self._writing[fd] = None


class VirtualControl:
    """Says when to measure, and keeps the windows."""

    fd = CONTROL_FD

    def __init__(self, measure: Measure, tell_at: int) -> None:
        self._measure = measure
        self._tell_at = tell_at
        self._told = False
        self.windows: list[Window] = []

    def is_ready(self, now: int) -> bool:
        return not self._told and now >= self._tell_at

    def receive(self) -> Measure | None:
        self._told = True
        return self._measure

    def window(self, window: Window) -> None:
        self.windows.append(window)

    def used(self) -> Usage:
        return Usage(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the engine handed out for the measured part, and how the world stands afterwards."""

    world: World
    windows: tuple[Window, ...]
    latencies: Histogram
    lags: Histogram
    failures: dict[Failure, int]

    def ms(self, share: float) -> float:
        return self.latencies.percentile(share)


def simulate(
    service: Service | World,
    *,
    connections: int = 20,
    rate: float | None = None,
    duration_ns: int = 10 * S,
    warm_up_ns: int = S,
    most_requests: int | None = None,
    timeout_ns: int = 5 * S,
) -> Outcome:
    """Run the engine in a world of its own until it ends."""
    world = service if isinstance(service, World) else World(service)
    start = world.now + warm_up_ns
    control = VirtualControl(Measure(start, start + duration_ns), start - 10 * MS)
    # The engine asks of a socket only what a wire has.
    lines = [Connection(world.dial, ResponseReader("GET"), REQUEST) for _ in range(connections)]  # type: ignore[arg-type]  # see above
    plan = LoopPlan(timeout_ns, None if rate is None else Pace(rate), most_requests)
    LoadLoop(plan, lines, VirtualPoller(world, control), control, world.clock).run()
    latencies, lags = Histogram(), Histogram()
    failures: dict[Failure, int] = {}
    measured = tuple(window for window in control.windows if window.stage is not Stage.WARM_UP)
    for window in measured:
        latencies.add_packed(window.latencies)
        lags.add_packed(window.lags)
        for failure, count in window.failures:
            failures[failure] = failures.get(failure, 0) + count
    return Outcome(world, tuple(control.windows), latencies, lags, failures)
