"""The engine works the same on every poller: with real sockets on loopback, in this process."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import OK, answering, serving

from sophia_cli.bench.connecting.connection import Connection, dial_of
from sophia_cli.bench.connecting.target import Address
from sophia_cli.bench.engine.loop import LoadLoop
from sophia_cli.bench.engine.pacing import Pace
from sophia_cli.bench.engine.poller import READ, WRITE, Poller, SelectorPoller, best_poller
from sophia_cli.bench.engine.run_state import LoopPlan, Measure
from sophia_cli.bench.engine.window import Stage, Window, window_of
from sophia_cli.bench.engine.worker import PipeControl
from sophia_cli.bench.engine.worker_spec import measure_line
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.checks.response import ResponseReader

S = 1_000_000_000
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POLLERS: list[Callable[[], Poller]] = [SelectorPoller, lambda: best_poller(10)]


@pytest.fixture(params=POLLERS, ids=["selectors", "best"])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    made: Poller = request.param()
    yield made
    made.close()


@pytest.mark.parametrize("pace", [None, Pace(200.0)])
def test_a_load_runs_on_it(poller: Poller, pace: Pace | None, tmp_path: Path) -> None:
    told, tell = os.pipe()
    # A file, since nobody reads a pipe while the load runs, and windows may be more than a pipe holds.
    written = os.open(tmp_path / "windows", os.O_WRONLY | os.O_CREAT)
    with serving(answering(OK)) as server:
        address = Address(int(socket.AF_INET), "127.0.0.1", server.port)
        connections = [Connection(dial_of(address), ResponseReader("GET"), REQUEST) for _ in range(3)]
        control = PipeControl(told, written)
        start = time.monotonic_ns() + S // 20
        os.write(tell, measure_line(Measure(start, start + 60 * S)))
        LoadLoop(LoopPlan(S, pace, 60), connections, poller, control, time.monotonic_ns).run()
    for fd in (told, tell, written):
        os.close(fd)
    windows = [window_of(line) for line in (tmp_path / "windows").read_bytes().splitlines()]
    control.close()
    assert answers(windows) == 60
    assert all(connection.socket is None for connection in connections)


def answers(windows: list[Window]) -> int:
    histogram = Histogram()
    for window in windows:
        assert window.failures == ()
        if window.stage is not Stage.WARM_UP:
            histogram.add_packed(window.latencies)
    return histogram.total


def test_readiness_is_told_in_the_same_bits(poller: Poller) -> None:
    left, right = socket.socketpair()
    with left, right:
        poller.watch(left.fileno(), READ)
        assert poller.poll(0) == []
        right.send(b"x")
        assert poller.poll(1) == [(left.fileno(), READ)]
        poller.change(left.fileno(), READ | WRITE)
        assert poller.poll(1) == [(left.fileno(), READ | WRITE)]
        poller.forget(left.fileno())
        poller.forget(left.fileno())
        assert poller.poll(0) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the precise wait is that of epoll")
def test_a_short_wait_is_not_rounded_up_to_a_millisecond() -> None:
    poller = best_poller(10)
    waits: list[float] = []
    for _ in range(50):
        begun = time.monotonic()
        poller.poll(0.0002)
        waits.append(time.monotonic() - begun)
    poller.close()
    assert min(waits) < 0.0009
