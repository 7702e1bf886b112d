"""Serve one ASGI or WSGI app with the project's own uvicorn, and hand its public socket over without a failed request.

`launch.py` loads it into the project's interpreter (3.8 or newer); both need only the standard library and uvicorn
(0.20 or newer). `SOPHIA_LAUNCH` holds a JSON object: `app` ("package.module:app", or "package.module:create()" for a
factory), and optionally `attach_at_start`, `search_path`, `drain_timeout_s`, `idle_grace_s`, `first_request_grace_s`,
and the descriptors `public_fd` (3), `private_fd` (4), `control_fd` (5); null means that there is none.

Descriptors: the public listener, the private listener, and a listening Unix stream socket for control. The control
socket takes one JSON object a line and answers each with one: `{"do": "status"}`, `"attach"` (accept on the public
listener as well), `"detach"` (stop accepting there, keep everything else), `"drain"` (with `deadline_s`). The answer is
`{"ok", "started", "attached", "draining", "connections"}`, and `error` where `ok` is false. SIGTERM and SIGINT drain.

A drain stops accepting on the public listener, has every further answer carry `Connection: close`, closes a connection
only when it was idle for a grace, ends WebSockets with code 1012, and at the deadline cuts what is left.
Exit codes: the `EXIT_` constants.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import inspect
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from typing import Any, NoReturn

EXIT_SPECIFICATION = 80
EXIT_NO_SERVER = 81
EXIT_NO_MODULE = 82
EXIT_IMPORT_FAILED = 83
EXIT_NO_ATTRIBUTE = 84
EXIT_NOT_CALLABLE = 85
EXIT_STARTUP_FAILED = 86

SPECIFICATION = "SOPHIA_LAUNCH"
CLOSE = (b"connection", b"close")
COLLECTING: Any = getattr(gc, "get_threshold", tuple)()
NOT_YET = 2_000_000_011  # a threshold like no other, so that what the app says of garbage stands
POLL_S = 0.02
LAST_TASKS_S = WEBSOCKETS_S = 1.0


class Specification:
    """What to serve and how; ValueError, TypeError or KeyError when the text says no such thing."""

    def __init__(self, text: str) -> None:
        fields = json.loads(text)
        self.app = str(fields["app"])
        self.attach_at_start = bool(fields.get("attach_at_start", False))
        self.search_path = [str(folder) for folder in fields.get("search_path", [])]
        self.drain_timeout_s = float(fields.get("drain_timeout_s", 30.0))
        self.idle_grace_s = float(fields.get("idle_grace_s", 1.0))
        self.first_request_grace_s = float(fields.get("first_request_grace_s", 5.0))
        names = (("public_fd", 3), ("private_fd", 4), ("control_fd", 5))
        self.public_fd, self.private_fd, self.control_fd = (_descriptor(fields.get(*one)) for one in names)


def _descriptor(value: object) -> int | None:
    if value is None or (isinstance(value, int) and value >= 0):
        return value
    raise ValueError("a descriptor is a number or null")


def leave(code: int, message: str) -> NoReturn:
    """End the process with one line on standard error."""
    sys.stderr.write("launcher: " + message + "\n")
    sys.exit(code)


def load_app(specification: str) -> Any:  # an app has no common type
    """Return the app that `module:attribute` names, or what it returns when it ends in `()`; else leave."""
    name, colon, attribute = specification.partition(":")
    if not (name and colon and attribute):
        leave(EXIT_SPECIFICATION, f"{specification!r} is not of the form module:app")
    is_factory = attribute.endswith("()")
    path = attribute[:-2] if is_factory else attribute
    try:
        found: Any = importlib.import_module(name)
    except ModuleNotFoundError as error:
        traceback.print_exc()
        leave(EXIT_NO_MODULE, f"ModuleNotFoundError: No module named {error.name!r} (needed by {name})")
    except Exception as error:  # noqa: BLE001 - whatever the project's code raises is reported and ends the process
        traceback.print_exc()
        leave(EXIT_IMPORT_FAILED, f"{name} raises {type(error).__name__} while it is imported: {error}")
    try:
        for part in path.split("."):
            found = getattr(found, part)
    except AttributeError:
        leave(EXIT_NO_ATTRIBUTE, f"module {name} has no attribute {path!r}")
    if not callable(found):
        leave(EXIT_NOT_CALLABLE, f"{specification} is a {type(found).__name__}, which cannot be called")
    if is_factory:
        try:
            found = found()
        except Exception as error:  # noqa: BLE001 - as above
            traceback.print_exc()
            leave(EXIT_IMPORT_FAILED, f"{specification} raises {type(error).__name__}: {error}")
        if not callable(found):
            leave(EXIT_NOT_CALLABLE, f"{specification} returns a {type(found).__name__}, which cannot be called")
    return found


def interface_of(app: Any) -> str:
    """Return "wsgi" for what is called with an environment and a function, else "auto"."""
    target = app if inspect.isfunction(app) or inspect.isclass(app) else getattr(app, "__call__", app)  # noqa: B004
    if inspect.iscoroutinefunction(target):
        return "auto"
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return "auto"
    return "wsgi" if _takes(signature, 2) and not _takes(signature, 0) else "auto"


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def bare_uvicorn() -> Any:  # a module
    """Return uvicorn's server without its command line, a tenth of a start; who looks for anything else gets it all."""
    spec = importlib.util.find_spec("uvicorn")
    if spec is None or spec.loader is None:
        leave(EXIT_NO_SERVER, f"uvicorn is not installed in {sys.prefix}; an `app =` service needs it there")
    package: Any = sys.modules.setdefault("uvicorn", importlib.util.module_from_spec(spec))

    def complete(name: str) -> Any:
        del package.__getattr__
        package.__loader__.exec_module(package)
        return getattr(package, name)

    package.__getattr__ = complete
    server = importlib.import_module("uvicorn.server")
    package.Config, package.Server = server.Config, server.Server
    return package


def websockets_at(specification: Specification) -> Any:  # a protocol or its name
    """Return uvicorn's own choice; where callers wait for the start, what loads it later: it is a seventh of one."""
    names = {"websockets", "wsproto"}
    is_later = names.isdisjoint(sys.modules) and any(map(importlib.util.find_spec, names))
    return websocket if specification.attach_at_start and is_later else "auto"


def websocket(*arguments: Any, **facts: Any) -> Any:  # a protocol
    """Return what serves a WebSocket."""
    return load_websockets()(*arguments, **facts)


def load_websockets() -> Any:  # a protocol
    """Return uvicorn's choice of WebSockets; leave where it cannot be loaded, as uvicorn does before it serves."""
    try:
        return importlib.import_module("uvicorn.protocols.websockets.auto").AutoWebSocketsProtocol
    except Exception as error:  # noqa: BLE001 - whatever a library raises is reported and ends the process
        traceback.print_exc()
        leave(EXIT_STARTUP_FAILED, f"WebSockets cannot be served: {type(error).__name__}: {error}")


def serve(specification: Specification) -> int:
    """Serve until drained; return the exit code."""
    uvicorn = bare_uvicorn()
    app = load_app(specification.app)
    config = uvicorn.Config(app, access_log=False, interface=interface_of(app), ws=websockets_at(specification))

    class HandoverServer(uvicorn.Server):  # type: ignore[misc, name-defined]  # not imported here
        """A server that listens where it is told to, at the moment it is told to."""

        def __init__(self) -> None:
            super().__init__(config)
            self.handover = Handover(self, specification)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            # What imports brought stays: to look through it for garbage would hold every answer up. PyPy cannot do it.
            getattr(gc, "freeze", gc.isenabled)()
            if COLLECTING and gc.get_threshold()[0] == NOT_YET:
                gc.set_threshold(*COLLECTING)
            await self.handover.open_control()
            await self.lifespan.startup()
            if self.lifespan.should_exit:
                leave(EXIT_STARTUP_FAILED, f"the startup of {specification.app} failed")
            await self.handover.start()
            self.started = True
            if config.ws_protocol_class is websocket:
                asyncio.get_running_loop().call_later(WEBSOCKETS_S, load_websockets)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await self.handover.finish_drain()
            if not self.force_exit:
                await self.lifespan.shutdown()

        def handle_exit(self, sig: int, frame: Any) -> None:
            super().handle_exit(sig, frame)
            # Without this uvicorn raises the signal once more at its end, and a finished drain looks like a death.
            getattr(self, "_captured_signals", []).clear()

    HandoverServer().run()
    return 0


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
