"""The launcher serves, attaches, detaches and drains, with real callers on real sockets."""

from __future__ import annotations

import ast
import asyncio
import gc
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.handover_instances import LIMIT_S, Launched, Load, ask_on, get, public_listener, read_answer
from sophia_cli.deploy.handover.control import (
    ControlError,
    LaunchExit,
    Verb,
    ask,
    prove_who_answers,
)
from sophia_cli.project.host.sockets import answering_pids, port_of

APP = """
import asyncio, os

PID = str(os.getpid()).encode()

async def answer(send, body, more=()):
    headers = [(b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("lifespan ended", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
    elif scope["path"] == "/slow":
        while not os.path.exists("go-on"):
            await asyncio.sleep(0.01)
        await answer(send, PID)
    elif scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await asyncio.sleep(3600)
    else:
        await answer(send, PID)

def create():
    return app

class Parts:
    inner = staticmethod(app)

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "4")])
    return [b"wsgi"]

number = 7
"""

FROZEN = """
import asyncio, gc

MADE = []

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        MADE.append([])
        await send({"type": "lifespan.startup.complete"})
        await receive()
    known = {id(one) for one in gc.get_objects()}
    body = b"%r %r" % (id(app) in known, id(MADE[0]) in known)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""


THRIFTY = """
def app(environ, start_response):
    body = repr((gc.isenabled(), *gc.get_threshold())).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served.py").write_text(APP)
    return tmp_path


@pytest.fixture
def public() -> Iterator[socket.socket]:
    with public_listener() as listener:
        yield listener


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_it_serves_privately_at_once_and_publicly_after_attach(folder: Path, public: socket.socket) -> None:
    with Launched(folder, "served:app", public) as instance:
        instance.wait_until_served()
        with socket.create_connection(public.getsockname(), timeout=LIMIT_S) as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert instance.ask("status")["attached"] is False
            assert not answering_pids(waiting)
            assert instance.ask("attach")["attached"] is True
            assert body_of(read_answer(waiting)) == str(instance.process.pid).encode()


def test_a_search_for_garbage_goes_through_what_the_app_made_but_not_through_what_imports_brought(
    folder: Path, public: socket.socket
) -> None:
    (folder / "frozen.py").write_text(FROZEN)
    with Launched(folder, "frozen:app", public, attach_at_start=True):
        assert body_of(get(port_of(public), "/")) == b"False True"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("", (True, gc.get_threshold())),
        ("gc.disable()", (False, gc.get_threshold())),
        ("gc.set_threshold(9)", (True, (9, *gc.get_threshold()[1:]))),
    ],
)
def test_what_the_app_says_of_garbage_stands(
    folder: Path, public: socket.socket, said: str, left: tuple[bool, tuple[int, int, int]]
) -> None:
    (folder / "thrifty.py").write_text(f"import gc\n{said}\n{THRIFTY}")
    with Launched(folder, "thrifty:app", public, attach_at_start=True):
        enabled, *thresholds = ast.literal_eval(body_of(get(port_of(public), "/")).decode())
    assert (enabled, tuple(thresholds)) == left


def test_it_serves_publicly_from_the_start_when_told(folder: Path, public: socket.socket) -> None:
    with Launched(folder, "served:app", public, attach_at_start=True) as instance:
        assert body_of(get(port_of(public), "/")) == str(instance.process.pid).encode()


def test_detach_leaves_callers_to_others_and_can_be_taken_back(folder: Path, public: socket.socket) -> None:
    with (
        Launched(folder, "served:app", public, attach_at_start=True) as first,
        Launched(folder, "served:app", public) as second,
    ):
        second.wait_until_served()
        get(port_of(public), "/")
        second.ask("attach")
        first.ask("detach")
        bodies = {body_of(get(port_of(public), "/")) for _ in range(20)}
        assert bodies == {str(second.process.pid).encode()}
        first.ask("attach")
        second.ask("detach")
        assert body_of(get(port_of(public), "/")) == str(first.process.pid).encode()


def test_a_drain_answers_on_open_connections_and_says_close(folder: Path, public: socket.socket) -> None:
    with Launched(folder, "served:app", public, attach_at_start=True, idle_grace_s=LIMIT_S) as instance:
        with socket.create_connection(public.getsockname(), timeout=LIMIT_S) as kept:
            assert b"connection: close" not in ask_on(kept, "/").lower()
            assert instance.ask("drain", deadline_s=LIMIT_S)["draining"] is True
            assert b"connection: close" in ask_on(kept, "/").lower()
            assert kept.recv(1) == b""
        assert instance.process.wait(LIMIT_S) == LaunchExit.DRAINED
        assert "lifespan ended" in instance.output()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_what_is_under_way_finishes(
    folder: Path, public: socket.socket, number: signal.Signals
) -> None:
    with Launched(folder, "served:app", public, attach_at_start=True) as instance:
        get(port_of(public), "/")
        with socket.create_connection(public.getsockname(), timeout=LIMIT_S) as busy:
            busy.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            _wait_until(instance, "connections", 1)
            instance.process.send_signal(number)
            # From here on it drains: the signal itself is heard a little earlier.
            _wait_until(instance, "attached", False)
            (folder / "go-on").touch()
            answer = read_answer(busy)
        assert body_of(answer) == str(instance.process.pid).encode()
        assert b"connection: close" in answer.lower()
        assert instance.process.wait(LIMIT_S) == 0


def test_an_idle_connection_is_closed_after_its_grace(folder: Path, public: socket.socket) -> None:
    grace_s = 0.3
    with Launched(folder, "served:app", public, attach_at_start=True, idle_grace_s=grace_s) as instance:
        with socket.create_connection(public.getsockname(), timeout=LIMIT_S) as kept:
            ask_on(kept, "/")
            began = time.monotonic()
            instance.ask("drain")
            assert kept.recv(1) == b""
            assert time.monotonic() - began >= 0.9 * grace_s
        assert instance.process.wait(LIMIT_S) == 0


def test_the_deadline_cuts_a_stream(folder: Path, public: socket.socket) -> None:
    with Launched(folder, "served:app", public, attach_at_start=True) as instance:
        with socket.create_connection(public.getsockname(), timeout=LIMIT_S) as stream:
            stream.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            while b"begun" not in stream.recv(4096):
                continue
            began = time.monotonic()
            instance.ask("drain", deadline_s=0.3)
            while stream.recv(4096):
                continue
            # The stream itself takes an hour.
            assert 0.25 <= time.monotonic() - began < 100
        assert instance.process.wait(LIMIT_S) == 0


def test_a_websocket_is_told_to_come_again(folder: Path, public: socket.socket) -> None:
    pytest.importorskip("websockets")
    with Launched(folder, "served:app", public, attach_at_start=True) as instance:
        with socket.create_connection(public.getsockname(), timeout=LIMIT_S) as client:
            client.sendall(
                b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert b" 101 " in client.recv(4096)
            instance.ask("drain")
            frame = client.recv(4096)
        assert (frame[0], struct.unpack("!H", frame[2:4])[0]) == (0x88, 1012)
        assert instance.process.wait(LIMIT_S) == 0


USING_WEBSOCKETS = """
import sys
from served import answer

AT_START = []

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        AT_START.append("websockets" in sys.modules)
        await send({"type": "lifespan.startup.complete"})
        await receive()
    else:
        await answer(send, str([*AT_START, "websockets" in sys.modules]).encode())
"""


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_libraries_of_websockets_are_there_in_the_end_and_nobody_waits_for_them(
    folder: Path, public: socket.socket, is_waited_for: bool
) -> None:
    pytest.importorskip("websockets")
    (folder / "using.py").write_text(USING_WEBSOCKETS)
    with Launched(folder, "using:app", public, attach_at_start=is_waited_for) as instance:
        give_up = time.monotonic() + LIMIT_S
        while (found := body_of(get(port_of(instance.private), "/"))).endswith(b"False]"):
            assert time.monotonic() < give_up
    assert found == b"[%s, True]" % str(not is_waited_for).encode()


def test_websockets_that_cannot_be_loaded_end_it(folder: Path, public: socket.socket) -> None:
    (folder / "websockets.py").write_text("raise RuntimeError('half an installation')\n")
    with Launched(folder, "served:app", public, attach_at_start=True) as instance:
        assert "WebSockets cannot be served: RuntimeError: half an installation" in instance.output()
        assert instance.process.returncode == LaunchExit.STARTUP_FAILED


def test_an_old_client_is_served(folder: Path, public: socket.socket) -> None:
    with Launched(folder, "served:app", public, attach_at_start=True) as instance:
        answer = get(port_of(public), "/", version="1.0", close=False)
        assert body_of(answer) == str(instance.process.pid).encode()


@pytest.mark.parametrize("app", ["served:create()", "served:Parts.inner"])
def test_factories_and_attributes_of_attributes_are_found(folder: Path, public: socket.socket, app: str) -> None:
    with Launched(folder, app, public, attach_at_start=True) as instance:
        assert body_of(get(port_of(public), "/")) == str(instance.process.pid).encode()


def test_a_wsgi_app_is_served(folder: Path, public: socket.socket) -> None:
    with Launched(folder, "served:wsgi", public, attach_at_start=True):
        assert body_of(get(port_of(public), "/")) == b"wsgi"


FAULTS = [
    ("nowhere:app", LaunchExit.NO_MODULE, "ModuleNotFoundError: No module named 'nowhere'"),
    ("lacking:app", LaunchExit.NO_MODULE, "ModuleNotFoundError: No module named 'not_installed_here'"),
    ("raising:app", LaunchExit.IMPORT_FAILED, "raising raises ZeroDivisionError"),
    ("served:application", LaunchExit.NO_ATTRIBUTE, "module served has no attribute 'application'"),
    ("served:number", LaunchExit.NOT_CALLABLE, "served:number is a int"),
    ("served", LaunchExit.SPECIFICATION, "module:app"),
    ("failing:app", LaunchExit.STARTUP_FAILED, "the startup of failing:app failed"),
]


@pytest.mark.parametrize(("app", "code", "line"), FAULTS)
def test_an_app_that_cannot_be_served_says_why(
    folder: Path, public: socket.socket, app: str, code: LaunchExit, line: str
) -> None:
    (folder / "lacking.py").write_text("import not_installed_here\n")
    (folder / "raising.py").write_text("1 / 0\n")
    (folder / "failing.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'no database'})\n"
    )
    with Launched(folder, app, public) as instance:
        output = instance.output()
        assert instance.process.returncode == code
        assert line in output.splitlines()[-1]


def test_a_missing_uvicorn_is_named(folder: Path, public: socket.socket) -> None:
    with Launched(folder, "served:app", public, flags=("-S",)) as instance:
        assert "uvicorn is not installed in" in instance.output()
        assert instance.process.returncode == LaunchExit.NO_SERVER


USING_UVICORN = """
import sys
{more}
from served import answer

async def app(scope, receive, send):
    if scope["type"] == "http":
        await answer(send, str("uvicorn.main" in sys.modules).encode())
"""


@pytest.mark.parametrize(
    ("more", "has_command_line"),
    [
        ("", False),
        ("import uvicorn", False),
        ("import uvicorn\nassert uvicorn.__version__ and uvicorn.run and uvicorn.Server.serve", True),
        ("from uvicorn import main, Config\nfrom uvicorn.config import Config as Own\nassert Config is Own", True),
    ],
)
def test_the_command_line_of_uvicorn_is_loaded_for_an_app_that_asks_for_it(
    folder: Path, public: socket.socket, more: str, has_command_line: bool
) -> None:
    (folder / "using.py").write_text(USING_UVICORN.format(more=more))
    with Launched(folder, "using:app", public, attach_at_start=True):
        assert body_of(get(port_of(public), "/")) == str(has_command_line).encode()


def test_modules_beside_the_launcher_do_not_hide_those_of_the_project(folder: Path, public: socket.socket) -> None:
    (folder / "recipe.py").write_text("from served import app\n")
    with Launched(folder, "recipe:app", public, attach_at_start=True) as instance:
        assert body_of(get(port_of(public), "/")) == str(instance.process.pid).encode()


def test_the_agent_speaks_to_it_and_proves_that_it_answers(folder: Path, public: socket.socket) -> None:
    async def story(first: Launched, second: Launched) -> None:
        name = second.control_path.name
        state = await ask(folder, name, Verb.STATUS)
        assert (state.started, state.attached, state.draining) == (True, False, False)
        request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        port = port_of(public)
        wrong = await prove_who_answers("127.0.0.1", port, lambda: {second.process.pid}, tries=8)
        assert (wrong.proved, wrong.seen) == (False, frozenset({first.process.pid}))
        assert (await ask(folder, name, Verb.ATTACH)).attached
        proof = await prove_who_answers("127.0.0.1", port, lambda: {second.process.pid}, request=request)
        assert proof.proved
        assert (await ask(folder, name, Verb.DRAIN, deadline_s=5)).draining
        with pytest.raises(ControlError):
            await ask(folder, "nobody", Verb.STATUS)

    with (
        Launched(folder, "served:app", public, attach_at_start=True) as first,
        Launched(folder, "served:app", public) as second,
    ):
        get(port_of(public), "/")
        second.wait_until_served()
        asyncio.run(story(first, second))
        assert second.process.wait(LIMIT_S) == 0


def test_requests_that_are_not_understood_are_refused_and_the_next_is_answered(
    folder: Path, public: socket.socket
) -> None:
    with Launched(folder, "served:app", public) as instance:
        instance.wait_until_served()
        assert instance.ask("explode")["ok"] is False
        assert instance.ask("drain", deadline_s="soon")["ok"] is False
        assert instance.ask("status")["ok"] is True


def test_children_of_the_app_inherit_neither_listeners_nor_specification(folder: Path, public: socket.socket) -> None:
    (folder / "parent.py").write_text(
        "import subprocess\n"
        "LOOK = 'env | grep SOPHIA_LAUNCH; ls /proc/self/fd'\n"
        "SEEN = subprocess.run(['/bin/sh', '-c', LOOK], stdout=subprocess.PIPE, close_fds=False).stdout\n"
        "print('children see', SEEN.split(), flush=True)\n"
        "app = None\n"
    )
    with Launched(folder, "parent:app", public) as instance:
        output = instance.output()
    # The shell's own pipe and the folder that ls reads.
    assert "children see [b'0', b'1', b'2', b'3']" in output


async def _swap(folder: Path, public: socket.socket, *, swaps: int, think_s: float) -> Load:
    current = Launched(folder, "served:app", public, attach_at_start=True)
    try:
        await asyncio.to_thread(get, port_of(public), "/")
        load = Load(port_of(public), connections=50, think_s=think_s)
        callers = asyncio.create_task(load.run())
        for _ in range(swaps):
            candidate = Launched(folder, "served:app", public)
            await asyncio.to_thread(candidate.wait_until_served)
            await asyncio.to_thread(candidate.ask, "attach")
            old, current = current, candidate
            with old:
                await asyncio.to_thread(old.ask, "drain", deadline_s=LIMIT_S)
                assert await asyncio.to_thread(old.process.wait, LIMIT_S) == 0
        load.stop()
        await callers
        return load
    finally:
        current.__exit__()


def test_no_request_fails_while_instances_are_swapped(folder: Path, public: socket.socket) -> None:
    load = asyncio.run(_swap(folder, public, swaps=2, think_s=0.02))
    assert load.tally.failures == []
    assert len(load.tally.answered) == 3


@pytest.mark.slow
def test_no_request_of_many_fails_and_latency_stays_low(folder: Path, public: socket.socket) -> None:
    load = asyncio.run(_swap(folder, public, swaps=24, think_s=0.02))
    print(f"{load.tally.total} requests, p99 {load.tally.percentile_ms(0.99):.1f} ms")  # noqa: T201 - a measurement
    assert load.tally.failures == []
    assert load.tally.percentile_ms(0.99) <= 30


def _wait_until(instance: Launched, fact: str, value: object) -> None:
    give_up = time.monotonic() + LIMIT_S
    while instance.ask("status")[fact] != value:
        assert time.monotonic() < give_up
        os.sched_yield()
