"""One kept-alive connection of the load engine, and what it is doing."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from enum import Enum
from typing import ClassVar

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.connecting.target import Address
from sophia_cli.checks.response import MalformedResponse, ResponseReader, ResponseTooLarge, TruncatedResponse


class Phase(Enum):
    """What a connection is doing."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    HANDSHAKE = "handshake"
    FREE = "free"
    SENDING = "sending"
    WAITING = "waiting"
    READING = "reading"


Dial = Callable[[], socket.socket]


_OUT_OF_RESOURCES = (errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Connection:
    """A non-blocking connection. The engine moves it from phase to phase; `begun_ns` is when its request was due.

    `recv_into` and `send` are those of the open socket, kept here since they are called for every request.
    `since_ns` is when that request was sent or its connection begun, `free_since_ns` when it last became free.
    `examine`, where there is one, says of an answer that was just read why it does not count.
    """

    __slots__ = (
        "_dial",
        "begun_ns",
        "examine",
        "fd",
        "free_since_ns",
        "has_request",
        "phase",
        "reader",
        "recv_into",
        "request",
        "send",
        "sent",
        "since_ns",
        "socket",
    )

    # What the socket raises when it has nothing to give or takes no more at this moment.
    blocks: ClassVar[tuple[type[OSError], ...]] = (BlockingIOError,)

    recv_into: Callable[[bytearray], int]
    send: Callable[[bytes], int]

    def __init__(self, dial: Dial, reader: ResponseReader, request: bytes) -> None:
        self._dial = dial
        self.reader = reader
        self.request = request
        self.examine: Callable[[], Failure | None] | None = None
        self.socket: socket.socket | None = None
        self.fd = -1
        self.phase = Phase.CLOSED
        self.begun_ns = 0
        self.free_since_ns = 0
        self.since_ns = 0
        self.sent = 0
        self.has_request = False

    def open(self) -> None:
        """Begin to connect; OSError when that fails at once. The connection is CONNECTING afterwards."""
        self._use(self._dial())
        self.phase = Phase.CONNECTING
        self.sent = 0
        self.reader.reset()

    def finish_connecting(self) -> None:
        """Take note that the socket became writable: the connection is FREE, or in its HANDSHAKE where it needs one.

        OSError when it did not connect.
        """
        assert self.socket is not None
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self.phase = Phase.FREE

    def shake_hands(self) -> None:
        """Go on with the handshake; FREE when it is done, one of `blocks` when it needs more, OSError else."""
        self.phase = Phase.FREE

    def close(self) -> None:
        """Close the socket; nothing when it is closed."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self.fd = -1
        self.phase = Phase.CLOSED

    @property
    def has_unread(self) -> bool:
        """Whether bytes were received that the kernel no longer knows of, so that no poll reports them."""
        return False

    def failure_of(self, error: Exception) -> Failure:
        """Return the kind of what connecting, sending, receiving or reading an answer raised."""
        return failure_of(error)

    def _use(self, opened: socket.socket) -> None:
        self.socket = opened
        self.fd = opened.fileno()
        self.recv_into = opened.recv_into
        self.send = opened.send


def dial_of(address: Address) -> Dial:
    """Return what begins a connection to an address: a non-blocking socket without delayed sending; OSError."""

    def dial() -> socket.socket:
        opened = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = opened.connect_ex((address.host, address.port))
            if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
                raise OSError(code, os.strerror(code))
        except BaseException:
            opened.close()
            raise
        return opened

    return dial


def failure_of(error: Exception) -> Failure:
    """Return the kind of what connecting, sending, receiving or reading an answer raised."""
    match error:
        case MalformedResponse():
            return Failure.MALFORMED
        case ResponseTooLarge():
            return Failure.TOO_LARGE
        case TruncatedResponse():
            return Failure.RESET
        case OSError(errno=errno.ECONNREFUSED):
            return Failure.REFUSED
        case OSError(errno=errno.ECONNRESET | errno.EPIPE | errno.ECONNABORTED | errno.ESHUTDOWN):
            return Failure.RESET
        case OSError(errno=errno.ETIMEDOUT) | TimeoutError():
            return Failure.TIMEOUT
        case OSError(errno=code) if code in _OUT_OF_RESOURCES:
            return Failure.CLIENT
    return Failure.UNREACHABLE
