"""One request and its answer, waited for: what comes before any load."""

from __future__ import annotations

import select
import time

from sophia_cli.bench.connecting.connection import Connection, Phase
from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.checks.response import MalformedResponse, ResponseTooLarge, TruncatedResponse

_BUFFER = 65_536


class ExchangeFailed(Exception):
    """There is no complete answer; `detail` says more than the kind of failure, or is empty."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


def exchange(connection: Connection, timeout_s: float) -> float:
    """Open a connection, send its request, read the answer and close it.

    Returns how many milliseconds the answer took once the connection stood; ExchangeFailed without a complete answer.
    """
    deadline = time.monotonic() + timeout_s
    try:
        connection.open()
        _wait(connection, deadline, for_write=True)
        connection.finish_connecting()
        while connection.phase is Phase.HANDSHAKE:
            try:
                connection.shake_hands()
            except connection.blocks:
                _wait(connection, deadline, for_write=False)
        begun = time.monotonic()
        _send(connection, deadline)
        _receive(connection, deadline)
        return (time.monotonic() - begun) * 1000
    except (OSError, MalformedResponse, ResponseTooLarge, TruncatedResponse) as error:
        raise ExchangeFailed(connection.failure_of(error), str(error)) from error
    finally:
        connection.close()


def _send(connection: Connection, deadline: float) -> None:
    sent = 0
    while sent < len(connection.request):
        try:
            sent += connection.send(connection.request[sent:])
        except connection.blocks:
            _wait(connection, deadline, for_write=True)


def _receive(connection: Connection, deadline: float) -> None:
    buffer = bytearray(_BUFFER)
    is_done = False
    while not is_done:
        try:
            size = connection.recv_into(buffer)
        except connection.blocks:
            _wait(connection, deadline, for_write=False)
            continue
        is_done = connection.reader.feed(buffer, size) if size else connection.reader.end()
        if time.monotonic() >= deadline and not is_done:
            raise TimeoutError


def _wait(connection: Connection, deadline: float, *, for_write: bool) -> None:
    """Wait for the socket; TimeoutError at the deadline."""
    poll = select.poll()
    poll.register(connection.fd, select.POLLOUT if for_write else select.POLLIN)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError
