"""Connections of the web API have deadlines: tried on real sockets, with deadlines short enough to wait for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvicorn
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sophia_cli.agent.web.protocol import BoundedProtocol

LIMIT_S = 120.0
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


class Hasty(BoundedProtocol):
    """Deadlines of a fraction of a second."""

    request_s = 0.6
    read_s = 0.6


class Patient(BoundedProtocol):
    """Deadlines that no test waits for."""

    request_s = 600.0
    read_s = 600.0


async def small(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("well")(scope, receive, send)


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(2 * Hasty.request_s)
    await small(scope, receive, send)


class Endless:
    """Sends for ever; `is_over` is set when that ends."""

    def __init__(self) -> None:
        self.is_over = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65_536
                await asyncio.sleep(0)

        try:
            await StreamingResponse(parts())(scope, receive, send)
        finally:
            self.is_over.set()


def served(app: ASGIApp, story: Callable[[int], Awaitable[None]], protocol: type[BoundedProtocol] = Hasty) -> None:
    """Run a story against an application that is served on a port."""

    async def run() -> None:
        config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=60)
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server._serve([listener]))
            try:
                async with asyncio.timeout(LIMIT_S):
                    await story(listener.getsockname()[1])
            finally:
                server.should_exit = server.force_exit = True
                await serving

    asyncio.run(run())


async def is_cut_off(reader: asyncio.StreamReader) -> bool:
    """Read until the other end closes."""
    try:
        while await reader.read(65_536):
            pass
    except ConnectionResetError:
        return True
    return True


def test_who_says_nothing_is_cut_off() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await is_cut_off(reader)
        writer.close()

    served(small, story)


def test_who_sends_a_head_byte_by_byte_is_cut_off() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def drip() -> None:
            for byte in REQUEST * 1_000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert await is_cut_off(reader)
        dripping.cancel()
        writer.close()

    served(small, story)


def test_a_second_request_that_never_gets_complete_is_cut_off() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"\r\n")
        assert (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200 ")
        writer.write(REQUEST)
        assert await is_cut_off(reader)
        writer.close()

    served(small, story)


def test_a_request_that_came_with_the_one_before_has_its_deadline_too() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"\r\n" + REQUEST)
        assert (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200 ")
        assert await is_cut_off(reader)
        writer.close()

    served(small, story)


def test_a_body_that_never_comes_is_cut_off() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"Content-Length: 10\r\n\r\nx")
        assert await is_cut_off(reader)
        writer.close()

    served(small, story)


def test_an_answer_may_take_longer_than_a_request() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(REQUEST + b"\r\n")
            assert (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200 ")
        writer.close()

    served(slow, story)


def test_who_does_not_read_is_cut_off() -> None:
    async def story(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(REQUEST + b"\r\n")
            await app.is_over.wait()

    app = Endless()
    served(app, story)


def test_the_one_that_waits_longest_makes_room() -> None:
    async def story(port: int) -> None:
        first, kept = await asyncio.open_connection("127.0.0.1", port)
        others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        assert await is_cut_off(first)
        reader, writer = others[-1]
        writer.write(REQUEST + b"\r\n")
        assert (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200 ")
        for one in (kept, *(writer for _, writer in others)):
            one.close()

    served(small, story, Patient)


def test_this_page_names_the_deadlines_that_hold() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "web-api.md").read_text("utf-8")
    assert f"not complete after {BoundedProtocol.request_s:g} seconds" in guide
