"""The project's uvicorn, as it listens where the launcher tells it to and leaves without a failed request."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import socket
import sys
import traceback
from typing import Any

from .application import interface_of, load_app
from .handover import Handover
from .specification import EXIT_NO_SERVER, EXIT_STARTUP_FAILED, NOT_YET, Specification, leave

COLLECTING: Any = getattr(gc, "get_threshold", tuple)()
WEBSOCKETS_S = 1.0


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
