"""What the benchmarks of deployments share: five services in a folder, Sophia on them, raw processes, rows of a table.

Every service is one ASGI app, run by the uvicorn of one interpreter, whoever supervises it. It answers with its version
and its pid, so that it is always known which process answered.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from benchmarks.ports import free_ports
from sophia_cli.agent.proxy.proxy import running_proxies
from sophia_cli.project.host.processes import processes_of_project

Found = TypeVar("Found")
HOST = "127.0.0.1"
LIMIT_S = 60.0
LOOK_S = 0.002
QUIET_LOAD = 1.0


class Framework(Enum):
    """What the services are written with: nothing but the protocol (starts in a moment), or FastAPI."""

    PLAIN = "plain"
    FASTAPI = "fastapi"


PLAIN = """\
import os

VERSION = {version}
{more}

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            {at_start}
            await send({{"type": message["type"] + ".complete"}})
            if message["type"] == "lifespan.shutdown":
                return
    status = {status} if scope["path"] == "/ready" else 200
    body = b"%d %d" % (VERSION, os.getpid())
    await send({{"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(body))]}})
    await send({{"type": "http.response.body", "body": body}})
"""
FASTAPI = """\
import os

import fastapi

VERSION = {version}
app = fastapi.FastAPI()


@app.get("/")
@app.get("/ready")
async def who() -> fastapi.Response:
    return fastapi.Response(b"%d %d" % (VERSION, os.getpid()))
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, what is wanted, what came out, and whether that is enough.

    `is_met` is None for what stands there only to be compared with.
    """

    what: str
    wanted: str
    measured: str
    is_met: bool | None


def table(rows: Sequence[Row]) -> str:
    """Return rows as a table, with the load of the machine below."""
    words = {True: "yes", False: "NO", None: ""}
    lines = ["| what | wanted | measured | met |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.what} | {row.wanted} | {row.measured} | {words[row.is_met]} |" for row in rows]
    load = os.getloadavg()[0]
    busy = (
        "" if load < QUIET_LOAD else ": other work keeps the machine busy, times are worth little, ratios a little more"
    )
    return "\n".join([*lines, "", f"load of the machine: {load:.1f} on {os.cpu_count()} processors{busy}"])


def finish(rows: Sequence[Row]) -> int:
    """Print the table and return the exit code: 1 when a limit is exceeded."""
    print(table(rows), flush=True)
    return 1 if any(row.is_met is False for row in rows) else 0


@dataclass(frozen=True, slots=True)
class Served:
    """One service as everybody runs it: its folder, its port, the words that start it without any supervisor."""

    name: str
    folder: Path
    port: int
    words: tuple[str, ...]


class Shop:
    """Services in a folder of their own, and what is done to them with Sophia; everything is ended when it is left."""

    def __init__(self, root: Path, count: int = 5, framework: Framework = Framework.PLAIN) -> None:
        self.root = root
        self.framework = framework
        self._environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        ports = free_ports(count)
        self.services = tuple(
            Served(f"service{number}", root, port, self._words(number, port)) for number, port in enumerate(ports)
        )
        for number in range(count):
            self.write_version(number, 1)

    def __enter__(self) -> Shop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_everything()

    def _words(self, number: int, port: int) -> tuple[str, ...]:
        options = ("--host", HOST, "--port", str(port), "--no-access-log")
        return (sys.executable, "-m", "uvicorn", f"service{number}.main:app", *options)

    def write_version(
        self, number: int, version: int, more: str = "", at_start: str = "pass", ready: int = 200
    ) -> None:
        """Write the app of a service. `more` is run at its import, `at_start` when it starts; `ready` is a status."""
        folder = self.root / f"service{number}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
        text = FASTAPI if self.framework is Framework.FASTAPI else PLAIN
        (folder / "main.py").write_text(text.format(version=version, more=more, at_start=at_start, status=ready))

    def settings(
        self, *lines: str, depends_on: Callable[[int], Sequence[int]] = lambda number: (), web: bool = False
    ) -> None:
        """Write `sophia.toml`, with further lines for every service."""
        text = f'[project]\nname = "five"\npython = {json.dumps(sys.prefix)}\n\n[agent]\nweb = {str(web).lower()}\n'
        for number, service in enumerate(self.services):
            wanted = json.dumps([f"service{other}" for other in depends_on(number)])
            own = [f"[services.{service.name}]", f'app = "{service.name}.main:app"', f"port = {service.port}"]
            text += "\n" + "\n".join([*own, f"depends_on = {wanted}", *lines]) + "\n"
        (self.root / "sophia.toml").write_text(text)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `sophia` in the project."""
        return subprocess.Popen(
            [sys.executable, "-m", "sophia_cli.main", *words],
            cwd=self.root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sophia(self, *words: str, codes: Sequence[int] = (0,)) -> str:
        """Run `sophia` to its end and return what it prints; AssertionError for any other exit code."""
        process = self.start(*words)
        out, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode in codes, f"sophia {' '.join(words)}: exit code {process.returncode}\n{out}\n{err}"
        return out

    def pids(self) -> dict[str, int]:
        """Return the process ids of the services, as Sophia tells them."""
        document = json.loads(self.sophia("status", "--json"))
        return {service["name"]: service["pid"] for service in document["services"]}

    def agent_pid(self) -> int:
        """Return the process id of the agent."""
        return int((self.root / ".sophia" / "agent.lock").read_text())

    def end_everything(self) -> None:
        """End the agent and what it started, by process id, and forget what was deployed."""
        with contextlib.suppress(OSError, ValueError):
            pid = self.agent_pid()
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"sophia_cli.agent" in words and os.fsencode(self.root.resolve()) in words:
                os.kill(pid, signal.SIGKILL)
                eventually(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid))
        for _, identity in running_proxies(self.root.resolve() / ".sophia" / "run"):
            # Only now: the agent starts one that ends again.
            with contextlib.suppress(ProcessLookupError):
                os.kill(identity.pid, signal.SIGKILL)
        while left := processes_of_project(str(self.root.resolve())):
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.identity.pid, signal.SIGKILL)
            time.sleep(LOOK_S)
        shutil.rmtree(self.root / ".sophia", ignore_errors=True)


class Raw:
    """The services started by nobody but this process, all at once."""

    def __init__(self, services: Sequence[Served]) -> None:
        self._processes = [
            subprocess.Popen(
                service.words,
                cwd=service.folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            for service in services
        ]

    def __enter__(self) -> Raw:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait(LIMIT_S)

    @property
    def pids(self) -> list[int]:
        """The process ids, in the order of the services."""
        return [process.pid for process in self._processes]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered: its version and the process that answered."""

    version: int
    pid: int


def ask(port: int, timeout_s: float = LIMIT_S) -> Answer:
    """Return one answer on a connection of its own; OSError or HTTPException when there is none."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        if response.status != 200:
            raise ConnectionError(f"status {response.status}")
        version, pid = response.read().split()
        return Answer(int(version), int(pid))
    finally:
        connection.close()


def ask_or_none(port: int) -> Answer | None:
    """Return one answer, None when there is none."""
    try:
        return ask(port)
    except (OSError, http.client.HTTPException):
        return None


def answered_by_other(port: int, old: int | None) -> float:
    """Return how long it takes from now until a process other than `old` answers."""
    began = time.perf_counter()

    def is_there() -> bool:
        answer = ask_or_none(port)
        return answer is not None and answer.pid != old

    eventually(is_there)
    return time.perf_counter() - began


def all_answer(services: Sequence[Served]) -> None:
    """Return once every service has answered."""
    for service in services:
        eventually(lambda port=service.port: ask_or_none(port))  # type: ignore[misc]  # a default in a lambda


def eventually(found: Callable[[], Found | None], limit_s: float = LIMIT_S) -> Found:
    """Return what a question leads to once it is true; AssertionError when it never is."""
    give_up = time.monotonic() + limit_s
    while not (answer := found()):
        assert time.monotonic() < give_up, "it did not come true in time"
        time.sleep(LOOK_S)
    return answer


@contextlib.contextmanager
def temporary_shop(count: int = 5, framework: Framework = Framework.PLAIN) -> Iterator[Shop]:
    """Services in a temporary folder, ended and removed afterwards."""
    import tempfile

    with tempfile.TemporaryDirectory() as name, Shop(Path(name), count, framework) as shop:
        yield shop


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
