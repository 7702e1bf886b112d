"""A project whose services can be told to misbehave, the commands given there, and those who call meanwhile."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from agents import Ran, incidents_of, runs_agent, state_rows
from waiting import LIMIT_S, eventually

from benchmarks.ports import free_ports
from sophia_cli.agent.listening.holder import end
from sophia_cli.agent.listening.holding import HOLDER_SOCKET
from sophia_cli.deploy.link.address import connect
from sophia_cli.project.failpoints import VARIABLE
from sophia_cli.project.host.cgroups import Group, all_trees, remove_group
from sophia_cli.project.host.proc_files import all_facts
from sophia_cli.project.host.processes import processes_of_project

_FORKED_COMMANDS = Path(__file__).with_name("forked_commands.py")
SCRIPT = (Path(__file__).parent / "misbehaving_service.py").read_text()

APP = """\
import os

VERSION = 1


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = f"version={VERSION} pid={os.getpid()} release={os.environ['SOPHIA_RELEASE']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""


class Kind(Enum):
    """How a program gets its socket: our launcher opens it, or the program binds it."""

    LAUNCHED = "launched"
    BOUND = "bound"


class Commands:
    """Runs `sophia` commands, each in a process of its own, without the cost of starting an interpreter for each."""

    def __init__(self, folder: Path) -> None:
        self._out, self._err = folder / "out", folder / "err"
        self._server = subprocess.Popen(
            [sys.executable, str(_FORKED_COMMANDS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, root: Path, words: tuple[str, ...], environment: Mapping[str, str]) -> Ran:
        """Run a command to its end."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        asked = {
            "root": str(root),
            "words": [*words, "--json"],
            "environment": dict(environment),
            "out": str(self._out),
            "err": str(self._err),
        }
        self._server.stdin.write(f"{json.dumps(asked)}\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        out = self._out.read_text()
        return Ran(code, json.loads(out) if out else {}, self._err.read_text())

    def close(self) -> None:
        """End the serving process."""
        self._server.communicate(timeout=LIMIT_S)


class FaultyServices:
    """A project with the services that a test declares; `web` is a script at `port` unless it says otherwise."""

    def __init__(self, root: Path, commands: Commands) -> None:
        self.root = root
        self._commands = commands
        self.port, self.other_port = free_ports(2)
        self.environment: dict[str, str] = {}
        self.write("web.py", SCRIPT)

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def declare(self, web: str = "", more: str = "", *, start: str = 'command = "python web.py"') -> None:
        """Write `sophia.toml` with further lines for `web`, and further services."""
        python = f"[project]\npython = {json.dumps(sys.prefix)}\n[agent]\nweb = false\n"
        probe = "" if "readiness" in web else 'readiness = { http = "/", interval = "50ms", timeout = "2s" }\n'
        soak = "" if "soak" in web else 'soak = "0s"\n'
        text = f"{python}[services.web]\n{start}\nport = {self.port}\n{soak}{probe}{web}\n{more}\n"
        self.write("sophia.toml", text)

    def release(self, number: int, path: str = "web.py") -> None:
        """Make the next release: its answers tell this version."""
        lines = (self.root / path).read_text().splitlines(keepends=True)
        self.write(path, "".join(f"VERSION = {number}\n" if line.startswith("VERSION =") else line for line in lines))

    def run(self, *words: str, **environment: str) -> Ran:
        """Run `sophia ... --json` to its end."""
        return self._commands.run(self.root, words, {**self.environment, **environment})

    def deployed(self) -> None:
        """Deploy, which has to work."""
        ran = self.run("deploy")
        assert ran.code == 0, ran

    def deployed_as(self, kind: Kind) -> str:
        """Declare and deploy `web` as a program of a kind; return its file."""
        if kind is Kind.LAUNCHED:
            path = "app.py"
            self.write(path, APP)
            self.declare(start='app = "app:app"')
        else:
            path = "web.py"
            self.declare()
        self.deployed()
        return path

    @contextlib.contextmanager
    def killed_rollout(self, path: str, number: int, old: str, place: str) -> Iterator[Ran]:
        """Deploy release `number` with an agent that dies at a place, and let the block see to the next agent.

        Nobody who called meanwhile may have failed, or met another version than this and the `old` one.
        """
        self.kill_agent()
        self.agent_started(place)
        self.release(number, path)
        with Callers(self) as callers:
            died = self.run("deploy")
            self.agent_gone()
            yield died
        assert callers.failures == [], (place, died)
        assert callers.versions <= {old, str(number)}, (place, died)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `sophia ... --json` beside the test."""
        return subprocess.Popen(
            [sys.executable, "-m", "sophia_cli", *words, "--json"],
            cwd=self.root,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def agent_started(self, *failpoints: str) -> int:
        """Start an agent that dies at these places, and return its pid."""
        ran = self.run("agent", "start", **({VARIABLE: ",".join(failpoints)} if failpoints else {}))
        assert ran.code == 0, ran
        return self.agent_pid()

    def status(self, name: str = "web") -> dict[str, Any]:  # JSON of any shape
        """Return what `sophia status` says of a service."""
        return self.run("status", name).service(name)

    def reaches(self, state: str, name: str = "web") -> dict[str, Any]:  # JSON of any shape
        """Return the status of a service once it is in a state."""
        eventually(lambda: self.status(name)["state"] == state)
        return self.status(name)

    def get(self, path: str = "/", port: int | None = None, timeout_s: float = LIMIT_S) -> str:
        """Return the body of an answer of `web`, or of another port; OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
            assert answer.status == 200, body
            return body
        except http.client.HTTPException as error:
            raise ConnectionResetError(str(error)) from error
        finally:
            connection.close()

    def facts(self, port: int | None = None, timeout_s: float = 10.0) -> dict[str, str]:
        """Return what `web`, or the service at another port, answers, by name."""
        return dict(word.split("=", 1) for word in self.get(port=port, timeout_s=timeout_s).split(" "))

    def is_asked(self, times: int) -> None:
        """Return once probes have asked `web` so many times more (for anything but `/`)."""
        enough = int(self.facts()["asked"]) + times
        eventually(lambda: int(self.facts()["asked"]) >= enough)

    def pid(self) -> int:
        """Return the process id of whoever answers."""
        return int(self.facts()["pid"])

    def next_pid(self, before: int) -> int:
        """Return the process id of whoever answers after that one."""

        def other() -> int:
            try:
                pid = self.pid()
            except OSError:
                return 0
            return pid if pid != before else 0

        return eventually(other)

    def agent_pid(self) -> int:
        """Return the process id of the agent."""
        return int((self.root / ".sophia" / "agent.lock").read_text() or 0)

    def kill_agent(self) -> None:
        """Kill the agent, and return once it is gone."""
        pid = self.agent_pid()
        assert runs_agent(pid, self.root)
        os.kill(pid, signal.SIGKILL)
        self.agent_gone()

    def agent_gone(self) -> None:
        """Return once no agent runs, and nobody listens on its socket."""
        # A dying process has no command line any more but still its descriptors.
        eventually(lambda: not is_alive(self.agent_pid()))

    def has_agent(self) -> bool:
        """Whether an agent runs."""
        try:
            return runs_agent(self.agent_pid(), self.root)
        except (OSError, ValueError):
            return False

    def processes(self, service: str = "web") -> list[int]:
        """Return the pids of all processes that belong to a service."""
        found = processes_of_project(str(self.root.resolve()))
        return sorted(one.identity.pid for one in found if one.service == service)

    def has_none(self, service: str) -> bool:
        """Whether no process of a service is left."""
        return not self.processes(service)

    def incidents(self, service: str = "web") -> list[tuple[str, str | None]]:
        """Return causes and outcomes of a service's incidents, oldest first."""
        return incidents_of(self.root, service)

    def events(self, kind: str) -> list[str]:
        """Return the details of the events of a kind, oldest first."""
        rows = state_rows(self.root, "SELECT detail FROM events WHERE kind = ? ORDER BY number", kind)
        return [str(row[0]) for row in rows]

    def instances(self) -> list[str]:
        """Return the names of all instances that the agent has written down."""
        return [str(row[0]) for row in state_rows(self.root, "SELECT name FROM instances")]

    def groups(self) -> set[Path]:
        """Return the control groups of these instances."""
        names = self.instances()
        places = {tree.folder / f"sophia-{name}" for tree in all_trees()[0] for name in names}
        return {place for place in places if place.exists()}

    def is_idle(self) -> bool:
        """Whether no operation is under way."""
        return not state_rows(self.root, "SELECT run_id FROM operation")

    def log(self) -> str:
        """Return the agent's log."""
        return (self.root / ".sophia" / "logs" / "agent.log").read_text()

    def close(self) -> None:
        """End everything that the project runs, by process id."""
        if self.has_agent():
            pid = self.agent_pid()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
            self.agent_gone()
        groups: set[Path] = set()
        if (self.root / ".sophia" / "agent.sqlite").exists():
            # One that was killed as it made its state has no instances.
            with contextlib.suppress(sqlite3.OperationalError):
                groups = self.groups()
        with contextlib.suppress(OSError):
            end(connect(self.root / ".sophia" / "run", HOLDER_SOCKET, LIMIT_S))
        for _ in range(3):
            for process in processes_of_project(str(self.root.resolve())):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.identity.pid, signal.SIGKILL)
        eventually(lambda: remove_group(Group(tuple(groups))))


class Callers:
    """Threads that call a service again and again until the block ends; what failed is in `failures`."""

    def __init__(self, project: FaultyServices, count: int = 3) -> None:
        self._project = project
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]
        self.failures: list[OSError | AssertionError] = []
        self.versions: set[str] = set()
        self.answers = 0

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(LIMIT_S)

    @property
    def refused(self) -> list[OSError]:
        """The calls for which nobody listened."""
        return [one for one in self.failures if isinstance(one, ConnectionRefusedError)]

    def _call(self) -> None:
        while not self._ended.is_set():
            try:
                self.versions.add(self._project.facts()["version"])
                self.answers += 1
            except (OSError, AssertionError) as error:
                # No answer, or one that is no success.
                self.failures.append(error)
            # A hundred calls a second leave the services time to do what is tested.
            self._ended.wait(0.01)


def is_refused(port: int) -> bool:
    """Whether nobody listens on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S).close()
    except ConnectionRefusedError:
        return True
    return False


def is_alive(pid: int) -> bool:
    """Whether a process of that number runs (a zombie does not)."""
    return any(one.pid == pid and not one.has_ended for one in all_facts())
