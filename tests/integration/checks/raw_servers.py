"""Servers on loopback that answer every request with the bytes they are told, well or badly."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

# Gets the connection and the number of the request on it; returns whether the connection goes on.
Respond = Callable[[socket.socket, int], bool]


@dataclass(slots=True)
class RawServer:
    """A server in threads; `requests` holds what arrived."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def raw_server(
    respond: Respond, *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> Iterator[RawServer]:
    """Run a server, with TLS where `context` is given."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    server = RawServer(listener.getsockname()[1])
    opened: list[socket.socket] = []
    stopping = threading.Event()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            if stopping.is_set():
                connection.close()
                return
            server.connections += 1
            opened.append(connection)
            threading.Thread(target=_serve, args=(connection, respond, server, context), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection((host, server.port), timeout=30).close()
        thread.join(timeout=60)
        listener.close()
        for connection in opened:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def answering(data: bytes) -> Respond:
    """Return a response that is always the same, on connections that go on."""

    def respond(connection: socket.socket, number: int) -> bool:
        connection.sendall(data)
        return True

    return respond


def _serve(
    connection: socket.socket, respond: Respond, server: RawServer, context: ssl.SSLContext | None = None
) -> None:
    number = 0
    with contextlib.suppress(OSError):
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        while data := connection.recv(65_536):
            number += 1
            server.requests.append(data)
            if not respond(connection, number):
                break
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
