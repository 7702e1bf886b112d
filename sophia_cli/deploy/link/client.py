"""The side of the commands: connect, ask, and see what happens until the answer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from sophia_cli.core.errors import ExitCode, SophiaError, UnavailableError
from sophia_cli.deploy.link.address import AGENT_SOCKET, connect
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

_CONNECT_S = 5.0
CANCELLABLE = frozenset({"rollout", "restart", "rollback", "stop", "remove"})


class AgentLost(UnavailableError):
    """The agent went away before it had answered."""

    def __init__(self, method: str, reason: object) -> None:
        super().__init__(
            "agent-lost",
            f"the connection to the agent ended before it answered `{method}`: {reason}",
            hint="run the command again; a new agent takes over and finishes or takes back what was begun",
        )


class AgentLink:
    """One connection to the agent of a project; what it holds there is given back when the connection ends."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self._number = 0
        self._was_interrupted = False

    def __enter__(self) -> AgentLink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def ask(
        self,
        method: str,
        params: Fields | None = None,
        *,
        timeout_s: float | None = 30.0,
        seen: Callable[[Event], None] | None = None,
    ) -> Fields:
        """Return what a method answers; events until then go to `seen`.

        `timeout_s` bounds the silence between two lines. Raises the error that the agent answers with, as it is, and
        UnavailableError (`agent-silent`) when it does not answer and AgentLost when it goes away. Ctrl-C has an
        operation taken back, and raises KeyboardInterrupt once that is done.
        """
        self._number += 1
        request = Request(self._number, method, params or {})
        try:
            self._connection.settimeout(timeout_s)
            self._connection.sendall(request.line())
            while True:
                try:
                    message = read_message(self._read_line())
                except KeyboardInterrupt:
                    # The first one asks the agent to take back what is under way; the second one leaves at once.
                    if self._was_interrupted or method not in CANCELLABLE:
                        raise
                    self._was_interrupted = True
                    self._number += 1
                    self._connection.sendall(Request(self._number, "cancel").line())
                    continue
                if message.number != request.number:
                    continue
                match message:
                    case Answer() if self._was_interrupted:
                        raise KeyboardInterrupt
                    case Answer():
                        return message.result
                    case Refusal():
                        raise refused(message)
                    case Event():
                        if seen is not None:
                            seen(message)
                    case Request():
                        continue
        except TimeoutError as error:
            raise UnavailableError(
                "agent-silent",
                f"the agent did not answer `{method}` within {timeout_s:g} s",
                hint="`sophia agent status` tells what it does; `sophia agent stop` ends it",
            ) from error
        except (OSError, BadMessage) as error:
            raise AgentLost(method, error) from error

    def _read_line(self) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST_LINE:
                raise BadMessage("a line without end")
            received = self._connection.recv(65536)
            if not received:
                raise ConnectionResetError("it closed the connection")
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


def connect_agent(state: Path) -> AgentLink | None:
    """Return a connection to the agent whose state folder is given, None when none is running."""
    try:
        return AgentLink(connect(state, AGENT_SOCKET, _CONNECT_S))
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnavailableError(
            "agent-unreachable",
            f"the socket of the agent in `{state}` cannot be used: {error.strerror or error}",
            hint="look at who owns it; the agent runs as the user that deployed first",
            location=str(state / AGENT_SOCKET),
        ) from error


def refused(refusal: Refusal) -> SophiaError:
    """Return the error that the agent answers with, as it is."""
    try:
        code = ExitCode(refusal.exit_code)
    except ValueError:
        code = ExitCode.BUG
    return SophiaError(refusal.reference, refusal.message, hint=refusal.hint, exit_code=code)
