"""The first request: finds out whether a target can be benched at all, before any load."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sophia_cli.bench.connection import Connection, Phase
from sophia_cli.bench.dialing import connections_to
from sophia_cli.bench.errors import Failure
from sophia_cli.bench.target import Request, Target, Trust
from sophia_cli.checks.response import MalformedResponse, ResponseTooLarge, TruncatedResponse
from sophia_cli.core.errors import SophiaError, UnavailableError, UsageError

_BUFFER = 65_536
_HINTS = {
    Failure.REFUSED: "start the service, or check host and port",
    Failure.UNREACHABLE: "check host and port, and that the network reaches it",
    Failure.TLS: "check the certificate and the scheme; `--insecure` accepts any certificate",
    Failure.TIMEOUT: "give it more time with `--timeout`",
    Failure.MALFORMED: "check that an HTTP/1.1 server listens there, and with this scheme",
    Failure.RESET: "look at the log of the service",
    Failure.TOO_LARGE: "bench a URL with a smaller answer",
}


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The target that answered, and how long its first answer took once the connection stood."""

    target: Target
    status: int
    latency_ms: float


def first_answer(targets: Sequence[Target], request: Request, trust: Trust, timeout_s: float) -> FirstAnswer:
    """Send one request to the first address of a host that takes connections, and return what came back.

    UnavailableError (`target-unusable`) when there is no complete answer, UsageError (`target-redirects`) when the
    answer points elsewhere: a bench follows no redirects.
    """
    error: SophiaError | None = None
    for target in targets:
        try:
            return _ask(target, request, trust, timeout_s)
        except _Failed as failed:
            error = _unusable(target, failed)
            if failed.failure not in (Failure.REFUSED, Failure.UNREACHABLE):
                break
    assert error is not None  # a host has an address
    raise error


class _Failed(Exception):
    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


def _ask(target: Target, request: Request, trust: Trust, timeout_s: float) -> FirstAnswer:
    (connection,) = connections_to(target.address, target.host, trust, request.method, 1)
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
        _send(connection, request, deadline)
        _receive(connection, deadline)
        latency_ms = (time.monotonic() - begun) * 1000
    except (OSError, MalformedResponse, ResponseTooLarge, TruncatedResponse) as error:
        raise _Failed(connection.failure_of(error), str(error)) from error
    finally:
        connection.close()
    status, location = connection.reader.status, connection.reader.location
    if 300 <= status < 400 and status != 304:
        raise UsageError(
            "target-redirects",
            f"`{target.url}` answers with a redirect ({status}) to `{location}`; a bench follows none",
            hint="bench the URL where it ends",
        )
    return FirstAnswer(target, status, latency_ms)


def _send(connection: Connection, request: Request, deadline: float) -> None:
    sent = 0
    while sent < len(request.data):
        try:
            sent += connection.send(request.data[sent:])
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


def _unusable(target: Target, failed: _Failed) -> UnavailableError:
    detail = f" ({failed.detail})" if failed.detail and failed.failure in (Failure.MALFORMED, Failure.TLS) else ""
    return UnavailableError(
        "target-unusable",
        f"`{target.url}` cannot be benched: {failed.failure.meaning}{detail}",
        hint=_HINTS.get(failed.failure),
        location=f"{target.address.host}:{target.address.port}",
    )
