"""A small project with a real agent and its real web API, and a client that can misbehave."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents import runs_agent
from waiting import LIMIT_S, eventually

from benchmarks.ports import free_port
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.processes import is_running, processes_of_project

WORKER = """\
import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    time.sleep(0.05)
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, header fields in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # JSON of any shape
        """Return the body as JSON values."""
        return json.loads(self.body)

    @property
    def reference(self) -> str:
        """The reference of the problem that the body describes."""
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json()
        assert problem["status"] == self.status
        return str(problem["type"]).removeprefix("urn:sophia:problem:")


class WebProject:
    """A project with a `worker`, an agent, and a port for the web API."""

    def __init__(self, root: Path, port: int | None = None) -> None:
        self.root = root
        self.port = free_port() if port is None else port
        self.environment: dict[str, str] = {}
        root.mkdir()
        (root / "worker.py").write_text(WORKER)
        self.settings(f"web_port = {self.port}")

    def settings(self, agent: str) -> None:
        """Write `sophia.toml` with these lines for the agent."""
        (self.root / "sophia.toml").write_text(
            f"[project]\npython = {json.dumps(sys.prefix)}\n\n[agent]\n{agent}\n\n"
            '[services.worker]\ncommand = ["python", "worker.py"]\nsoak = "0s"\n'
            'restart = { max_restarts = 1000, backoff = "10ms", max_backoff = "10ms" }\n'
        )

    def run(self, *words: str) -> dict[str, Any]:  # JSON of any shape
        """Run `sophia ... --json` to its end and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "sophia_cli.main", *words, "--json"],
            cwd=self.root,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def serve(self) -> WebProject:
        """Start the agent and return once its web API answers."""
        self.run("agent", "start")
        self.await_health()
        return self

    def await_health(self, status: int = 200) -> None:
        """Wait until `/health` answers with a status."""
        eventually(lambda: self.health() == status)

    def health(self) -> int:
        """Return the status of `/health`, 0 when nobody answers."""
        try:
            return self.get("/health", token=None).status
        except OSError:
            return 0

    @property
    def state(self) -> Path:
        """The folder of Sophia's state."""
        return self.root / ".sophia"

    @property
    def token(self) -> str:
        """The token of the web API."""
        return (self.state / "web.token").read_text("ascii").strip()

    def web_identity(self) -> ProcessIdentity:
        """Return who the web API's process is."""
        pid, ticks, boot = (self.state / "web.process").read_text("ascii").split()[:3]
        return ProcessIdentity(int(pid), int(ticks), boot)

    def agent_pid(self) -> int:
        """Return the process id of the agent."""
        return int((self.state / "agent.lock").read_text())

    def kill_agent(self) -> None:
        """Kill the agent and wait until it is gone."""
        pid = self.agent_pid()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not runs_agent(pid, self.root))

    def get(
        self,
        path: str,
        token: str | None = "",
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return an answer; the right token is sent unless another one or None is given."""
        fields = dict(headers or {})
        if token is not None:
            fields["Authorization"] = f"Bearer {token or self.token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """Return a bare connection to the web API."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S)

    def say(self, request: bytes) -> bytes:
        """Send bytes as they are, and return all that comes back until the other end closes."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)

    def web_log(self) -> str:
        """Return the log of the web API's process."""
        return (self.state / "logs" / "agent.web.log").read_text("utf-8")

    def close(self) -> None:
        """End everything that the project runs, by process id."""
        with contextlib.suppress(OSError, ValueError):
            web = self.web_identity()
            if is_running(web):
                os.kill(web.pid, signal.SIGKILL)
        with contextlib.suppress(OSError, ValueError):
            if runs_agent(self.agent_pid(), self.root):
                self.kill_agent()
        with contextlib.suppress(OSError, ValueError):
            # The agent may have started another one in the last moment.
            web = self.web_identity()
            if is_running(web):
                os.kill(web.pid, signal.SIGKILL)
        for process in processes_of_project(str(self.root.resolve())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.identity.pid, signal.SIGKILL)


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other end closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received
