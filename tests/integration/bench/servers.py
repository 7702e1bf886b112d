"""Small servers on loopback that answer exactly the bytes they are told to, well or badly."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nok"


@dataclass(slots=True)
class Server:
    """A server that runs in a thread; `connections` counts those it accepted."""

    port: int
    connections: int = 0
    requests: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"


# Gets one connection with everything that arrived on it so far; returns what to send, None to close.
Answer = Callable[[socket.socket, int], bytes | None]


@contextlib.contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server that calls `answer` with the connection and the request's number on it, for every request."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = Server(listener.getsockname()[1])
    thread = threading.Thread(target=_serve, args=(listener, server, answer, context), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server._stop.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", server.port), timeout=30).close()
        thread.join(timeout=60)
        listener.close()


def answering(data: bytes) -> Answer:
    """Return an answer that is always the same."""
    return lambda connection, number: data


def _serve(listener: socket.socket, server: Server, answer: Answer, context: ssl.SSLContext | None) -> None:
    counts: dict[socket.socket, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while not server._stop.is_set():
            for key, _ in selector.select(1.0):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is listener:
                    _accept(listener, server, context, selector, counts)
                elif not _respond(sock, server, answer, counts):
                    selector.unregister(sock)
                    del counts[sock]
                    sock.close()
    for sock in counts:
        sock.close()


def _accept(
    listener: socket.socket,
    server: Server,
    context: ssl.SSLContext | None,
    selector: selectors.BaseSelector,
    counts: dict[socket.socket, int],
) -> None:
    sock, _ = listener.accept()
    try:
        opened = sock if context is None else context.wrap_socket(sock, server_side=True)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        return
    server.connections += 1
    counts[opened] = 0
    selector.register(opened, selectors.EVENT_READ)


def _respond(sock: socket.socket, server: Server, answer: Answer, counts: dict[socket.socket, int]) -> bool:
    """Answer one request; false when the connection is to be closed."""
    try:
        data = sock.recv(65_536)
        if not data:
            return False
        # The requests of the engine are small and never pipelined: one read, one request.
        counts[sock] += 1
        server.requests += 1
        reply = answer(sock, counts[sock])
        if reply is None:
            return False
        sock.sendall(reply)
    except OSError:
        return False
    return True
