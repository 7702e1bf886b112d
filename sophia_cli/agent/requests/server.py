"""The agent's Unix socket: connections, one task a request, events on the way."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from sophia_cli.core.errors import ExitCode, SophiaError, UsageError
from sophia_cli.deploy.link.messages import (
    LONGEST_LINE,
    Answer,
    BadMessage,
    Event,
    Fields,
    Refusal,
    Request,
    read_message,
)

log = logging.getLogger(__name__)

# A reader that does not read is cut off rather than kept in memory.
_MOST_UNSENT = 1024 * 1024


class Session:
    """One connection. What is registered with `at_end` runs once, when it ends."""

    def __init__(self, writer: asyncio.StreamWriter, peer: int | None) -> None:
        self._writer = writer
        self.peer = peer
        self._endings: list[Callable[[], None]] = []
        self.is_open = True

    def at_end(self, ending: Callable[[], None]) -> None:
        """Register what the end of the connection brings about; at once when it has ended already."""
        if self.is_open:
            self._endings.append(ending)
        else:
            ending()

    def send(self, line: bytes) -> None:
        """Send a line when somebody is there to read it."""
        if not self.is_open:
            return
        self._writer.write(line)
        if self._writer.transport.get_write_buffer_size() > _MOST_UNSENT:
            self._writer.transport.abort()

    def end(self) -> None:
        """Run what was registered."""
        self.is_open = False
        endings, self._endings = self._endings, []
        for ending in endings:
            ending()


class Call:
    """A request that is being answered."""

    __slots__ = ("params", "request", "session")

    def __init__(self, request: Request, session: Session) -> None:
        self.request = request
        self.session = session
        self.params = request.params

    def tell(self, kind: str, data: Fields) -> None:
        """Send an event to whoever asked."""
        self.session.send(Event(self.request.number, kind, data).line())

    def text(self, name: str) -> str:
        """Return a parameter that has to be a string; UsageError."""
        value = self.params.get(name)
        if not isinstance(value, str):
            raise _wrong(name, "a string")
        return value

    def number(self, name: str, default: float) -> float:
        """Return a parameter that has to be a number; UsageError."""
        value = self.params.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(name, "a number")
        return float(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a parameter that has to be a list of strings; UsageError."""
        value = self.params.get(name, [])
        if not isinstance(value, list):
            raise _wrong(name, "a list of strings")
        texts = [item for item in value if isinstance(item, str)]
        if len(texts) != len(value):
            raise _wrong(name, "a list of strings")
        return tuple(texts)


Method: TypeAlias = Callable[[Call], Awaitable[Fields]]


class Server:
    """Answers requests on a listening Unix socket with the given methods."""

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._methods = methods
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.AbstractServer | None = None

    async def start(self, listener: socket.socket) -> None:
        """Begin to accept connections."""
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=LONGEST_LINE)

    async def stop(self) -> None:
        """Accept nothing more and end what is being answered."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Closing a connection ends its reader by itself; a cancelled one would be reported as a failure.
        for writer in tuple(self._open):
            writer.close()
        while self._open:
            await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(writer, _peer_of(writer))
        self._open.add(writer)
        mine: set[asyncio.Task[None]] = set()
        try:
            while True:
                line = await reader.readline()
                if not line:
                    break
                try:
                    message = read_message(line)
                except BadMessage as error:
                    session.send(Refusal(0, "agent-bad-message", str(error), None, ExitCode.USAGE).line())
                    continue
                if isinstance(message, Request):
                    task = asyncio.create_task(self._answer(Call(message, session)))
                    for tasks in (self._tasks, mine):
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
        except (OSError, ValueError) as error:
            # ValueError: a line longer than the limit. Such a peer has nothing to say that could be answered.
            log.info("connection lost", extra={"reason": str(error)})
        finally:
            session.end()
            for task in tuple(mine):
                task.cancel()
            with contextlib.suppress(OSError):
                writer.close()
            self._open.discard(writer)

    async def _answer(self, call: Call) -> None:
        request = call.request
        try:
            method = self._methods.get(request.method)
            if method is None:
                known = ", ".join(sorted(self._methods))
                raise UsageError(
                    "agent-unknown-method",
                    f"the agent knows no `{request.method}`",
                    hint=f"it may be of another version (`sophia agent stop` ends it); it knows: {known}",
                )
            result = await method(call)
        except SophiaError as error:
            refusal = Refusal(request.number, error.reference, error.message, error.hint, error.exit_code)
            call.session.send(refusal.line())
        except Exception as error:  # (the boundary of one request of the agent)
            log.exception("a request failed", extra={"method": request.method})
            reason = f"{type(error).__name__} in the agent where none was expected"
            hint = "the traceback is in `.sophia/logs/agent.log`; please report it"
            call.session.send(Refusal(request.number, "bug-in-sophia", reason, hint, ExitCode.BUG).line())
        else:
            call.session.send(Answer(request.number, result).line())


def _peer_of(writer: asyncio.StreamWriter) -> int | None:
    """Return the process id at the other end, where the system tells."""
    connection = writer.get_extra_info("socket")
    option = getattr(socket, "SO_PEERCRED", None)
    if connection is None or option is None:
        return None
    pid: int = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))[0]
    return pid


def _wrong(name: str, wanted: str) -> UsageError:
    return UsageError("agent-bad-message", f"`{name}` is not {wanted}")
