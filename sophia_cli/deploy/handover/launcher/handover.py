"""The listeners and connections of one uvicorn server: attached, detached, drained, and the socket that asks for it."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import select
import signal
import socket
import time
from typing import Any

from .specification import Specification

CLOSE = (b"connection", b"close")
POLL_S = 0.02
LAST_TASKS_S = 1.0


class Handover:
    """The listeners and connections of one uvicorn server: attach, detach, drain."""

    def __init__(self, server: Any, specification: Specification) -> None:  # Any: uvicorn may be absent
        self._server = server
        self._specification = specification
        self._make: Any = None  # a factory of protocols
        self._public: Any = None
        self._listeners: list[Any] = []
        self._deadline_s = specification.drain_timeout_s
        self._drain_began: float | None = None
        self._idle_since: dict[Any, float] = {}

    async def open_control(self) -> None:
        """Listen on the control socket, so that state can be asked for while the app still starts."""
        if self._specification.control_fd is not None:
            listener = _listener(self._specification.control_fd)
            self._listeners.append(await asyncio.start_unix_server(self._converse, sock=listener))

    async def start(self) -> None:
        """Accept on the private listener, and on the public one when it is to be attached at the start."""
        self._make = self._protocol_factory()
        if self._specification.private_fd is not None:
            self._listeners.append(await self._accept_on(_listener(self._specification.private_fd)))
        if self._specification.attach_at_start:
            await self.attach()

    def _protocol_factory(self) -> Any:  # a factory of protocols
        config, state = self._server.config, self._server.server_state
        protocol = config.http_protocol_class
        facts = {"config": config, "server_state": state}
        if "app_state" in inspect.signature(protocol).parameters:  # since uvicorn 0.22
            facts["app_state"] = self._server.lifespan.state
        return lambda: protocol(**facts)

    async def _accept_on(self, listener: socket.socket) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._make, sock=listener, backlog=self._server.config.backlog)

    async def attach(self) -> str | None:
        """Accept on the public listener; return what stands against it, or None."""
        if self._make is None:
            return "the app is still starting"
        if self._server.should_exit:
            return "the instance is draining"
        if self._specification.public_fd is None:
            return "there is no public listener"
        if self._public is None:
            # A duplicate, so that it can be attached again after it was detached.
            self._public = await self._accept_on(_listener(os.dup(self._specification.public_fd)))
        return None

    def detach(self) -> None:
        """Stop accepting on the public listener; its queue stays for whoever else accepts there."""
        if self._public is not None:
            self._public.close()
            self._public = None

    def drain(self, deadline_s: float | None) -> None:
        """Begin to drain. A second call may only shorten the deadline."""
        if deadline_s is not None:
            self._deadline_s = min(self._deadline_s, deadline_s) if self._server.should_exit else deadline_s
        # Libraries with streams of their own replace this method to learn that the end has come.
        self._server.handle_exit(signal.SIGTERM, None)
        if self._make is not None:
            self._begin_drain()

    def _begin_drain(self) -> None:
        if self._drain_began is None:
            self._drain_began = time.monotonic()
            self.detach()
            self._mark_answers()

    def _mark_answers(self) -> None:
        """Have every answer that has not begun carry `Connection: close`."""
        server = self._server
        if CLOSE not in server.config.encoded_headers:
            server.config.encoded_headers = [*server.config.encoded_headers, CLOSE]
        if CLOSE not in server.server_state.default_headers:
            server.server_state.default_headers = [*server.server_state.default_headers, CLOSE]
        for connection in list(server.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and not cycle.response_started and CLOSE not in cycle.default_headers:
                cycle.default_headers = [*cycle.default_headers, CLOSE]

    async def finish_drain(self) -> None:
        """Wait until no connection and no task is left, or cut them at the deadline; needs no `start` before."""
        self._begin_drain()
        server, state = self._server, self._server.server_state
        assert self._drain_began is not None
        ticks = 0
        while (state.connections or state.tasks) and not server.force_exit:
            now = time.monotonic()
            if now - self._drain_began >= self._deadline_s:
                await self._cut()
                break
            for connection in list(state.connections):
                self._release(connection, now)
            await asyncio.sleep(POLL_S)
            ticks += 1
            if ticks % 50 == 0:
                await server.on_tick(0)  # writes the Date header of the answers to come
        for listener in self._listeners:
            listener.close()

    def _release(self, connection: Any, now: float) -> None:
        """Close a connection that carries no request and was quiet for its grace; tell a WebSocket to go."""
        if not hasattr(connection, "cycle"):
            if _is_open_websocket(connection):
                if hasattr(connection, "fail_connection"):
                    connection.fail_connection(1012)  # the shutdown of older uvicorns closes without a word
                connection.shutdown()
            return
        cycle = connection.cycle
        if cycle is not None and not cycle.response_complete:
            self._idle_since.pop(connection, None)
            return
        # The timer runs from an answer's end to the next request's first byte. Without one the connection has carried
        # nothing yet, or a request is on its way in parts.
        is_between = connection.timeout_keep_alive_task is not None
        grace = self._specification.idle_grace_s if is_between else self._specification.first_request_grace_s
        since = self._idle_since.setdefault(connection, now)
        if now - since >= grace and not _has_unread_bytes(connection.transport):
            connection.shutdown()

    async def _cut(self) -> None:
        state = self._server.server_state
        for connection in list(state.connections):
            connection.transport.close()
        give_up = time.monotonic() + LAST_TASKS_S
        while state.tasks and time.monotonic() < give_up:
            await asyncio.sleep(POLL_S)  # closing told the app that its caller is gone
        for task in list(state.tasks):
            task.cancel()
        for connection in list(state.connections):
            connection.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            return  # the agent went away in the middle, or sent a line without end
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            request = json.loads(line)
            verb, deadline = request["do"], request.get("deadline_s")
            deadline_s = None if deadline is None else float(deadline)
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._state("the request is not understood")
        if verb == "attach":
            return self._state(await self.attach())
        if verb == "detach":
            self.detach()
        elif verb == "drain":
            self.drain(deadline_s)
        elif verb != "status":
            return self._state("there is no such request")
        return self._state(None)

    def _state(self, error: str | None) -> dict[str, object]:
        server = self._server
        state = {"started": bool(server.started), "draining": bool(server.should_exit)}
        counted = {"attached": self._public is not None, "connections": len(server.server_state.connections)}
        return {"ok": error is None, **state, **counted, **({} if error is None else {"error": error})}


def _listener(descriptor: int) -> socket.socket:
    listener = socket.socket(fileno=descriptor)
    listener.setblocking(False)
    return listener


def _is_open_websocket(connection: Any) -> bool:
    event = getattr(connection, "handshake_completed_event", None)
    is_complete = event.is_set() if event is not None else getattr(connection, "handshake_complete", True)
    return bool(is_complete) and not connection.transport.is_closing()


def _has_unread_bytes(transport: Any) -> bool:
    """Tell whether a request arrived that the loop has not read yet; closing on it would reset the connection."""
    connection = transport.get_extra_info("socket")
    if transport.is_closing() or connection is None:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
