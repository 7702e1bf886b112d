"""Faults with HAProxy in front: streams in a swap, a HAProxy that hangs or dies, agents that die as a port changes."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from agent_project import APP, Callers, FaultyServices, is_alive, is_refused
from raw_streams import asked, read_to_the_end
from test_agent_streams import STREAMS
from waiting import LIMIT_S, eventually

from sophia_cli.agent.proxy.proxy import running_proxies
from sophia_cli.project.host.haproxy import find_haproxy

pytestmark = pytest.mark.skipif(
    find_haproxy(os.environ) is None, reason="HAProxy is not installed (`apt-get install haproxy`)"
)
PORT_CHANGE = (
    *(f"step-written:{number}" for number in range(1, 8)),
    *(f"step-done:{number}" for number in range(1, 7)),
    *("listener-opened", "instance-started", "instance-written", "instance-ended"),
    *("rollout-written", "service-written", "operation-forgotten"),
)
FEW = ("step-written:4", "step-written:5")


@pytest.fixture
def strict(shop: FaultyServices) -> Iterator[FaultyServices]:
    """A project whose HAProxies are ended whatever a test leaves behind."""
    try:
        yield shop
    finally:
        if shop.has_agent():
            shop.kill_agent()
        for pid in proxies(shop):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def proxies(shop: FaultyServices) -> list[int]:
    """Return the process ids of the HAProxies of a project."""
    return [identity.pid for _, identity in running_proxies(shop.root.resolve() / ".sophia" / "run")]


def serves(shop: FaultyServices, *lines: str, app: str = APP) -> None:
    """Deploy an app with HAProxy in front."""
    shop.write("app.py", app)
    shop.declare("\n".join(("strict = true", *lines)), start='app = "app:app"')
    shop.deployed()


def test_an_event_stream_that_ends_in_time_is_finished_during_a_swap(strict: FaultyServices) -> None:
    serves(strict, 'drain_timeout = "10m"', app=STREAMS)
    with asked(strict, "GET /short HTTP/1.1") as stream:
        told = stream.recv(65536)
        assert told.startswith(b"HTTP/1.1 200")
        strict.release(2, "app.py")
        strict.deployed()
        assert b"data: last" in told + read_to_the_end(stream)
    assert strict.facts()["version"] == "2"


@pytest.mark.parametrize("start", ['app = "app:app"', 'command = "uvicorn app:app --port PORT"'])
def test_an_endless_event_stream_is_cut_at_the_deadline(strict: FaultyServices, start: str) -> None:
    strict.write("app.py", STREAMS)
    strict.declare('strict = true\ndrain_timeout = "2s"', start=start.replace("PORT", str(strict.port)))
    strict.deployed()
    before = strict.pid()
    cut_at: list[float] = []
    with asked(strict, "GET /endless HTTP/1.1") as stream:
        assert stream.recv(65536).startswith(b"HTTP/1.1 200")

        def read() -> None:
            read_to_the_end(stream)
            cut_at.append(time.monotonic())

        reader = threading.Thread(target=read)
        reader.start()
        strict.release(2, "app.py")
        began = time.monotonic()
        ran = strict.run("deploy")
        ended = time.monotonic()
        reader.join(LIMIT_S)
    assert ran.code == 0, ran
    (took,) = [step["duration_s"] for step in ran.service("web")["steps"] if step["name"] == "drain-old"]
    assert cut_at[0] - began >= 2.0
    # A uvicorn of its own waits for what the app does without a caller; the caller is cut off all the same.
    assert cut_at[0] - (ended - took) < 8.0
    after = strict.next_pid(before)
    eventually(lambda: strict.processes() == [after])


def test_a_websocket_is_told_to_go_during_a_swap(strict: FaultyServices) -> None:
    pytest.importorskip("wsproto")
    serves(strict, 'drain_timeout = "10m"', app=STREAMS)
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = f"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
    with asked(strict, upgrade, "Upgrade") as stream:
        told = stream.recv(65536)
        assert told.startswith(b"HTTP/1.1 101")
        while b"hello" not in told:
            told += stream.recv(65536)
        strict.release(2, "app.py")
        ran = strict.run("deploy")
        assert ran.code == 0, ran
        rest = read_to_the_end(stream)
    (took,) = [step["duration_s"] for step in ran.service("web")["steps"] if step["name"] == "drain-old"]
    # Long before the deadline: it comes back to the new release.
    assert took < 300.0
    # A close frame (RFC 6455, 5.5.1) with the code 1012, "service restart", or 1001, "going away".
    assert rest[:1] == b"\x88"
    assert int.from_bytes(rest[2:4], "big") in (1001, 1012)
    assert strict.facts()["version"] == "2"


def test_a_hung_haproxy_is_killed_and_replaced_and_an_incident(strict: FaultyServices) -> None:
    serves(strict)
    (before,) = proxies(strict)
    os.kill(before, signal.SIGSTOP)
    # Whoever connects meanwhile waits in the queue of the listener.
    assert "version=1" in strict.get()
    eventually(lambda: not is_alive(before))
    eventually(lambda: len(proxies(strict)) == 1)
    eventually(lambda: strict.incidents("@haproxy") == [("hung", "recovered")])


def test_a_haproxy_that_is_killed_under_load_breaks_what_it_had_and_refuses_nobody(strict: FaultyServices) -> None:
    serves(strict)
    with Callers(strict) as callers:
        for _ in range(3):
            answers_more(callers)
            (before,) = proxies(strict)
            os.kill(before, signal.SIGKILL)
            answers_more(callers)
            assert proxies(strict) != [before]
    assert callers.refused == []
    # What was under way at one of the three kills, and nothing else.
    assert len(callers.failures) <= 9
    eventually(lambda: strict.incidents("@haproxy") == [("exited", "recovered")] * 3)


def test_an_agent_killed_anywhere_while_the_port_changes_leaves_one_port_served(
    strict: FaultyServices, attempt: int
) -> None:
    """In the normal run at a few places, in the long one at all of them, also where no socket can be handed over."""
    if attempt % 2 == 0 and attempt:
        strict.environment["SOPHIA_AGENT_WITHOUT"] = "pidfd_getfd"
    serves(strict)
    ports = [strict.port, strict.other_port]
    for number, place in enumerate(PORT_CHANGE if attempt else FEW, 2):
        old, new = ports
        strict.kill_agent()
        strict.agent_started(place)
        strict.release(number, "app.py")
        strict.port = new
        strict.declare("strict = true", start='app = "app:app"')
        strict.port = old
        died = strict.run("deploy")
        strict.agent_gone()
        with Callers(strict) as callers:
            strict.agent_started()
            eventually(strict.is_idle)
            status = strict.reaches("running")
            came_through = status["port"] == new
        seen = (place, died, status)
        eventually(lambda: len(strict.processes()) == 1)
        strict.port = status["port"]
        assert strict.facts()["version"] == str(number) if came_through else True, seen
        if not came_through:
            assert callers.failures == [], seen
            # The next attempt brings it through, and the old port is nobody's then.
            strict.port = new
            strict.declare("strict = true", start='app = "app:app"')
            strict.deployed()
            assert strict.facts()["version"] == str(number), seen
        eventually(partial(is_refused, old))
        ports = [new, old]
        strict.port = new


def answers_more(callers: Callers) -> None:
    """Return once callers have got some more answers."""
    enough = callers.answers + 20
    eventually(lambda: callers.answers >= enough)
