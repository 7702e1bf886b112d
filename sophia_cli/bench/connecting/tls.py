"""Connections that are secured; loaded only where a target asks for it, since the library takes 4 MB of a worker."""

from __future__ import annotations

import ssl
from typing import ClassVar

from sophia_cli.bench.connecting.connection import Connection, Dial, Phase
from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.connecting.target import Trust
from sophia_cli.checks.response import ResponseReader


class TlsConnection(Connection):
    """A connection that shakes hands before it is free; `host` is the name that the certificate must carry."""

    __slots__ = ("_context", "_host")

    blocks: ClassVar[tuple[type[OSError], ...]] = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

    def __init__(self, dial: Dial, reader: ResponseReader, request: bytes, context: ssl.SSLContext, host: str) -> None:
        super().__init__(dial, reader, request)
        self._context = context
        self._host = host

    def finish_connecting(self) -> None:
        """Take note that the socket became writable; the HANDSHAKE begins, or OSError when it did not connect."""
        super().finish_connecting()
        assert self.socket is not None
        # Takes the descriptor over; only a socket that is connected can be wrapped.
        self._use(self._context.wrap_socket(self.socket, server_hostname=self._host, do_handshake_on_connect=False))
        self.phase = Phase.HANDSHAKE

    def shake_hands(self) -> None:
        """Go on with the handshake; FREE when it is done, one of `blocks` when it needs more, OSError else."""
        assert isinstance(self.socket, ssl.SSLSocket)
        self.socket.do_handshake()
        self.phase = Phase.FREE

    @property
    def has_unread(self) -> bool:
        """Whether the library holds bytes that were received but not read."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def failure_of(self, error: Exception) -> Failure:
        """Return the kind of what connecting, sending, receiving or reading an answer raised."""
        match error:
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                return Failure.RESET
            case ssl.SSLError():
                return Failure.TLS
        return super().failure_of(error)


def tls_context(trust: Trust) -> ssl.SSLContext:
    """Return how certificates are checked; HTTP/1.1 is what is asked for."""
    context = ssl.create_default_context()
    if trust is Trust.UNVERIFIED:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
