"""The agent's socket for programs that run an event loop: ask, and follow events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType

from sophia_cli.core.errors import UnavailableError
from sophia_cli.deploy.link.address import AGENT_SOCKET, connect
from sophia_cli.deploy.link.client import refused
from sophia_cli.deploy.link.messages import (
    LONGEST_LINE,
    Answer,
    BadMessage,
    Event,
    Fields,
    Message,
    Refusal,
    Request,
    read_message,
)

_CONNECT_S = 5.0


class AsyncLink:
    """One connection to the agent, used by one task at a time; open it with `open_link`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0

    async def __aenter__(self) -> AsyncLink:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    async def ask(self, method: str, params: Fields | None = None, *, timeout_s: float = 10.0) -> Fields:
        """Return what a method answers.

        Raises the error that the agent answers with, and UnavailableError (`agent-silent`, `agent-lost`).
        """
        try:
            async with asyncio.timeout(timeout_s):
                number = await self._send(method, params)
                while True:
                    message = await self._next(number)
                    if isinstance(message, Answer):
                        return message.result
        except TimeoutError as error:
            message_text = f"the agent did not answer `{method}` within {timeout_s:g} s"
            raise UnavailableError("agent-silent", message_text, hint="`sophia agent status` tells more") from error

    async def follow(self, method: str, params: Fields | None = None) -> AsyncIterator[Event]:
        """Yield the events of a method until it answers; raises what `ask` raises, but waits as long as it takes."""
        number = await self._send(method, params)
        while True:
            message = await self._next(number)
            if isinstance(message, Answer):
                return
            if isinstance(message, Event):
                yield message

    async def is_lost_within(self, seconds: float) -> bool:
        """Wait that long; return earlier, with True, when the agent ends the connection."""
        try:
            async with asyncio.timeout(seconds):
                while await self._reader.read(4096):
                    pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    async def _send(self, method: str, params: Fields | None) -> int:
        self._number += 1
        try:
            self._writer.write(Request(self._number, method, params or {}).line())
            await self._writer.drain()
        except OSError as error:
            raise _lost(str(error)) from error
        return self._number

    async def _next(self, number: int) -> Message:
        """Return the next message that belongs to a request."""
        while True:
            try:
                line = await self._reader.readline()
                message = read_message(line) if line else None
            except (OSError, ValueError, BadMessage) as error:
                raise _lost(str(error)) from error
            if message is None:
                raise _lost("it closed the connection")
            if message.number != number:
                continue
            if isinstance(message, Refusal):
                raise refused(message)
            return message


async def open_link(state: Path) -> AsyncLink:
    """Return a connection to the agent whose state folder is given; UnavailableError (`agent-not-running`)."""
    try:
        connection = connect(state, AGENT_SOCKET, _CONNECT_S)
        connection.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LONGEST_LINE)
    except OSError as error:
        raise UnavailableError(
            "agent-not-running",
            f"the agent does not answer on its socket: {error.strerror or error}",
            hint="`sophia agent start` starts it",
        ) from error
    return AsyncLink(reader, writer)


def _lost(reason: str) -> UnavailableError:
    return UnavailableError(
        "agent-lost", f"the connection to the agent ended: {reason}", hint="`sophia agent status` shows it"
    )
