"""Servers whose behaviour is known, each a process of its own: what the load benchmarks are measured against.

    python -m benchmarks.load_servers KIND PORT [FILE]

`fast` answers at once; `delayed` after 5 ms, every fiftieth time after 50 ms; `varied` after times spread about 5 ms,
`slower` about 6 ms; `stalling` at once, but not for one second that begins six seconds after the first request; `knee`
is one worker that needs 1 ms for a request. `delayed` writes the delays that really passed, in nanoseconds, to FILE
when it is ended: on a busy machine they are not quite those that were asked for.
"""

from __future__ import annotations

import contextlib
import heapq
import math
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

BODY = b'{"status":"ok"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nconnection: keep-alive\r\ncontent-length: %d\r\n"
    b"content-type: application/json\r\n\r\n" % len(BODY) + BODY
)
MS = 1_000_000
S = 1_000_000_000
STALL_AFTER_NS = 6 * S
_NGINX = """
daemon off;
master_process off;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path %(folder)s/body;
  proxy_temp_path %(folder)s/proxy;
  fastcgi_temp_path %(folder)s/fastcgi;
  uwsgi_temp_path %(folder)s/uwsgi;
  scgi_temp_path %(folder)s/scgi;
  server {
    listen 127.0.0.1:%(port)d;
    location / { default_type application/json; return 200 '{"status":"ok"}'; }
  }
}
"""


class Delays:
    """How long the answer to each request is kept back, in nanoseconds."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._count = 0
        self._first = 0
        self._busy_until = 0
        self._chance = random.Random(1)

    def next(self, now: int) -> int:
        """Return the delay of a request that came just now."""
        self._count += 1
        self._first = self._first or now
        match self._kind:
            case "fast":
                return 0
            case "varied" | "slower":
                # Log-normal with a median of 5 ms (6 ms), as the answers of services usually are spread.
                median = 5 * MS if self._kind == "varied" else 6 * MS
                return int(median * math.exp(self._chance.gauss(0.0, 0.4)))
            case "delayed":
                return 50 * MS if self._count % 50 == 0 else 5 * MS
            case "stalling":
                since = now - self._first - STALL_AFTER_NS
                return S - since if 0 <= since < S else 0
            case "knee":
                self._busy_until = max(self._busy_until, now) + MS
                return self._busy_until - now
        raise ValueError(f"no server is called {self._kind}")


def serve(kind: str, port: int, file: Path | None) -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with contextlib.suppress(OSError):
        Path("/proc/self/timerslack_ns").write_text("1")
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    listener.setblocking(False)
    passed = array("q")
    try:
        _loop(listener, Delays(kind), passed)
    finally:
        if file is not None:
            file.write_bytes(passed.tobytes())


def _loop(listener: socket.socket, delays: Delays, passed: array[int]) -> None:
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    open_ones: dict[int, socket.socket] = {}
    due: list[tuple[int, int, int]] = []
    clock = time.monotonic_ns
    while True:
        if due:
            left = max(0.0, (due[0][0] - clock()) / S)
            ready = select.select([epoll.fileno()], (), (), left)[0]
        events = epoll.poll(0 if due and not ready else -1 if not due else 0)
        now = clock()
        for fd, _ in events:
            if fd == listener.fileno():
                accepted, _ = listener.accept()
                accepted.setblocking(False)
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                open_ones[accepted.fileno()] = accepted
                epoll.register(accepted.fileno(), select.EPOLLIN)
                continue
            connection = open_ones[fd]
            try:
                data = connection.recv(65_536)
            except OSError:
                data = b""
            if not data:
                open_ones.pop(fd).close()
                continue
            delay = delays.next(now)
            if delay:
                heapq.heappush(due, (now + delay, now, fd))
            else:
                connection.send(ANSWER)
        while due and due[0][0] <= clock():
            _, came, fd = heapq.heappop(due)
            if fd in open_ones:
                with contextlib.suppress(OSError):
                    open_ones[fd].send(ANSWER)
                passed.append(clock() - came)


@contextlib.contextmanager
def pinned() -> Iterator[int | None]:
    """Keep this process and those it starts on the first of its processors; give the second one, for a server."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        print("there is one processor only: server and client share it")
        yield None
        return
    os.sched_setaffinity(0, available[:1])
    try:
        yield available[1]
    finally:
        os.sched_setaffinity(0, available)


@contextlib.contextmanager
def running(kind: str, file: Path | None = None, processor: int | None = None) -> Iterator[str]:
    """Run a server as a process, on one processor (None: any), and give its URL."""
    port = _free_port()
    words = [sys.executable, "-P", __file__, kind, str(port)]
    with _process(words if file is None else [*words, str(file)], port, processor) as url:
        yield url


@contextlib.contextmanager
def fast_server(processor: int | None) -> Iterator[str]:
    """Run nginx, or `fast` where it is not installed, on one processor (None: any) and give its URL."""
    port = _free_port()
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-P", __file__, "fast", str(port)]
        if program is None:
            print("nginx is not installed (Debian has it): a server in Python answers")
        else:
            (Path(folder) / "nginx.conf").write_text(_NGINX % {"folder": folder, "port": port})
            words = [program, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        with _process(words, port, processor) as url:
            yield url


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def _process(words: list[str], port: int, processor: int | None) -> Iterator[str]:
    def begin() -> None:
        if processor is not None:
            os.sched_setaffinity(0, {processor})

    process = subprocess.Popen(words, preexec_fn=begin)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        select.select((), (), (), 0.05)
    raise TimeoutError(f"no server on port {port}")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
