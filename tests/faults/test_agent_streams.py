"""Long answers while a release is replaced: short ones are finished, endless ones cut at the deadline."""

from __future__ import annotations

import base64
import os

import pytest
from agent_project import FaultyServices
from raw_streams import asked, read_to_the_end
from waiting import eventually

STREAMS = """\
import asyncio
import os

VERSION = 1


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    if scope["path"] == "/":
        body = f"version={VERSION} pid={os.getpid()} release={os.environ['SOPHIA_RELEASE']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        return
    events = 10 if scope["path"] == "/short" else 1_000_000
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(events):
        await send({"type": "http.response.body", "body": b"data: %d\\n\\n" % number, "more_body": True})
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b"data: last\\n\\n"})
"""


def _streams(shop: FaultyServices, drain: str) -> None:
    shop.write("app.py", STREAMS)
    shop.declare(f'drain_timeout = "{drain}"', start='app = "app:app"')
    shop.deployed()


def test_an_event_stream_that_ends_in_time_is_finished_during_a_swap(shop: FaultyServices) -> None:
    _streams(shop, "10m")
    with asked(shop, "GET /short HTTP/1.1") as stream:
        told = stream.recv(65536)
        assert told.startswith(b"HTTP/1.1 200")
        shop.release(2, "app.py")
        shop.deployed()
        told += b"".join(iter(lambda: stream.recv(65536), b""))
    assert b"data: last" in told
    assert shop.facts()["version"] == "2"


def test_an_endless_event_stream_is_cut_at_the_deadline(shop: FaultyServices) -> None:
    _streams(shop, "400ms")
    before = shop.pid()
    with asked(shop, "GET /endless HTTP/1.1") as stream:
        assert stream.recv(65536).startswith(b"HTTP/1.1 200")
        shop.release(2, "app.py")
        ran = shop.run("deploy")
        assert ran.code == 0, ran
        read_to_the_end(stream)
    (took,) = [step["duration_s"] for step in ran.service("web")["steps"] if step["name"] == "drain-old"]
    # Thirty seconds would be those of a service that says nothing of it.
    assert 0.39 <= took < 25.0
    after = shop.next_pid(before)
    eventually(lambda: shop.processes() == [after])


def test_a_websocket_is_told_to_go_during_a_swap(shop: FaultyServices) -> None:
    pytest.importorskip("wsproto")
    _streams(shop, "10m")
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = f"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
    with asked(shop, upgrade, "Upgrade") as stream:
        told = stream.recv(65536)
        assert told.startswith(b"HTTP/1.1 101")
        while b"hello" not in told:
            told += stream.recv(65536)
        shop.release(2, "app.py")
        shop.deployed()
        rest = read_to_the_end(stream)
    # A close frame (RFC 6455, 5.5.1) with the code 1012, "service restart", or 1001, "going away".
    assert rest[:1] == b"\x88"
    assert int.from_bytes(rest[2:4], "big") in (1001, 1012)
    assert shop.facts()["version"] == "2"
