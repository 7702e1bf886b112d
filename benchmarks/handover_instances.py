"""Instances started the way the agent starts them, and callers that load them while they are swapped."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sophia_cli.project.host.sockets import create_listener, port_of

LAUNCHER = Path(__file__).parents[1] / "sophia_cli" / "deploy" / "handover" / "launch.py"
LIMIT_S = 180.0
_TICK_S = 0.005
# Another interpreter shows that the same holds for its uvicorn.
PYTHON = os.environ.get("SOPHIA_TEST_PYTHON", sys.executable)


def public_listener() -> socket.socket:
    """Return a listener as the agent makes them."""
    return create_listener("127.0.0.1", 0)


def spawn(
    arguments: Sequence[str], descriptors: Sequence[socket.socket], *, environment: Mapping[str, str], cwd: Path
) -> subprocess.Popen[bytes]:
    """Start a program in which the sockets are descriptors 3, 4, 5, whatever their numbers are here."""
    moves = [(item.fileno(), 3 + place) for place, item in enumerate(descriptors)]
    # A shell moves them, since Popen passes descriptors under their own numbers only.
    high = [(100 + place, wanted) for place, (_, wanted) in enumerate(moves)]
    for (source, _), (lifted, _) in zip(moves, high, strict=True):
        os.dup2(source, lifted)
    redirects = " ".join(f"{wanted}<&{lifted} {lifted}<&-" for lifted, wanted in high)
    try:
        return subprocess.Popen(
            ["/bin/bash", "-c", f'export LISTEN_PID=$$; exec "$@" {redirects}', "bash", *arguments],
            pass_fds=[lifted for lifted, _ in high],
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        for lifted, _ in high:
            os.close(lifted)


def base_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End the process and its session when the test leaves."""
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT_S)
        if process.stdout is not None:
            process.stdout.close()


class Launched:
    """One launcher process and its control socket."""

    def __init__(
        self,
        folder: Path,
        app: str,
        public: socket.socket,
        *,
        python: str = PYTHON,
        flags: Sequence[str] = (),
        **options: object,
    ) -> None:
        self.private = public_listener()
        control = socket.socket(socket.AF_UNIX)
        self.control_path = folder / f"control-{port_of(self.private)}"
        control.bind(str(self.control_path))
        control.listen(8)
        specification = {"app": app, **options}
        environment = {**base_environment(), "SOPHIA_LAUNCH": json.dumps(specification)}
        self.process = spawn(
            [python, *flags, str(LAUNCHER)], [public, self.private, control], environment=environment, cwd=folder
        )
        control.close()
        self._control: socket.socket | None = None

    def ask(self, do: str, **fields: object) -> dict[str, object]:
        """Ask over one kept connection, as the agent does."""
        if self._control is None:
            self._control = socket.socket(socket.AF_UNIX)
            self._control.settimeout(LIMIT_S)
            self._control.connect(str(self.control_path))
        self._control.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
        with self._control.makefile("rb", buffering=0) as stream:
            answer = json.loads(stream.readline())
        assert isinstance(answer, dict)
        return answer

    def wait_until_served(self) -> None:
        """Wait for the first answer on the private address."""
        get(port_of(self.private), "/")

    def output(self) -> str:
        """Return what the process wrote; waits for its end."""
        text, _ = self.process.communicate(timeout=LIMIT_S)
        return text.decode()

    def __enter__(self) -> Launched:
        return self

    def __exit__(self, *details: object) -> None:
        if self._control is not None:
            self._control.close()
        self.private.close()
        with ended(self.process):
            pass


def get(port: int, path: str, *, version: str = "1.1", close: bool = True) -> bytes:
    """Return the whole answer to one request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        return ask_on(connection, path, version=version, close=close)


def ask_on(connection: socket.socket, path: str, *, version: str = "1.1", close: bool = False) -> bytes:
    """Send a GET over an open connection and return head and body; the answer has a length or ends with a close."""
    fate = "Connection: close\r\n" if close else ""
    connection.sendall(f"GET {path} HTTP/{version}\r\nHost: a\r\n{fate}\r\n".encode())
    return read_answer(connection)


def read_answer(connection: socket.socket) -> bytes:
    received = b""
    while True:
        head, blank, body = received.partition(b"\r\n\r\n")
        if blank:
            length = _length(head)
            if length is not None and len(body) >= length:
                return received
        more = connection.recv(65536)
        if not more:
            return received
        received += more


def _length(head: bytes) -> int | None:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return None


@dataclass
class Tally:
    """What callers saw. `answered` counts answers by body, so that it is known which instance gave them.

    `longest_gap_s` is the longest time in which none of them got a good answer, `longest_stall_s` that by which a timer
    of their own was late: for so long the callers themselves stood still.
    """

    answered: dict[bytes, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    longest_gap_s: float = 0.0
    longest_stall_s: float = 0.0
    _answered_at: float | None = None

    def note_answer(self, now: float, latency_s: float) -> None:
        """Count a good answer, and the time in which there was none from anybody."""
        self.latencies_s.append(latency_s)
        if self._answered_at is not None:
            self.longest_gap_s = max(self.longest_gap_s, now - self._answered_at)
        self._answered_at = now

    @property
    def total(self) -> int:
        return sum(self.answered.values()) + len(self.failures)

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Load:
    """Callers in a closed loop: half of the `connections` are kept, the others are closed after each answer.

    Callers think for `think_s` on average. Each pause is another one: callers that waited for the same moment would
    stay in step otherwise, and the time in which all of them think looks like one in which nobody answers.
    """

    def __init__(self, port: int, *, connections: int, think_s: float) -> None:
        self.tally = Tally()
        self._port = port
        self._think_s = think_s
        self._stopped = False
        self._connections = connections

    async def run(self) -> None:
        callers = [self._call(number) for number in range(self._connections)]
        await asyncio.gather(self._watch(), *callers)

    def stop(self) -> None:
        self._stopped = True

    async def _watch(self) -> None:
        while not self._stopped:
            began = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            late = time.perf_counter() - began - _TICK_S
            self.tally.longest_stall_s = max(self.tally.longest_stall_s, late)

    async def _call(self, number: int) -> None:
        stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        pauses = random.Random(number)  # not a secret
        keeps = number % 2 == 0
        fate = b"" if keeps else b"Connection: close\r\n"
        request = b"GET / HTTP/1.1\r\nHost: a\r\n" + fate + b"\r\n"
        while not self._stopped:
            began = time.perf_counter()
            try:
                if stream is None:
                    stream = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = stream
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head) or 0)
                if not head.startswith(b"HTTP/1.1 200"):
                    self.tally.failures.append(head[:40].decode())
                else:
                    self.tally.answered[body] = self.tally.answered.get(body, 0) + 1
                    now = time.perf_counter()
                    self.tally.note_answer(now, now - began)
                if b"connection: close" in head.lower():
                    writer.close()
                    stream = None
            except (OSError, asyncio.IncompleteReadError) as error:
                self.tally.failures.append(f"{type(error).__name__}: {error}")
                if stream is not None:
                    stream[1].close()
                stream = None
            if self._think_s:
                await asyncio.sleep(self._think_s * pauses.uniform(0.5, 1.5))
        if stream is not None:
            stream[1].close()
