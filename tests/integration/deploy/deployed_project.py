"""A small project of real services in a folder of its own, and the commands that a user would give there."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents import Ran, incidents_of, runs_agent
from waiting import LIMIT_S, eventually

from benchmarks.ports import free_ports
from sophia_cli.agent.proxy.proxy import running_proxies
from sophia_cli.project.host.processes import processes_of_project

API = """\
import asyncio
import os

from shared.version import VERSION


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["path"] == "/slow":
        await asyncio.sleep(1.0)
    names = ("SOPHIA_RELEASE", "SOPHIA_URL_STORE", "API_TOKEN", "LEVEL")
    facts = [f"{name}={os.environ.get(name, '')}" for name in names]
    body = " ".join([f"version={VERSION}", f"pid={os.getpid()}", *facts]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""

STORE = """\
import http.server
import os


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"store pid={os.getpid()} release={os.environ['SOPHIA_RELEASE']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

WORKER = """\
import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("worker began", flush=True)
while True:
    time.sleep(0.05)
"""


# Waits at its import, for as long as a test wants.
WAITS = """\
import os
import time

while not os.path.exists({path!r}):
    time.sleep(0.02)
"""

DIES = """

_alive = app


async def app(scope, receive, send):
    await _alive(scope, receive, send)
    if scope["type"] == "http" and os.path.exists({path!r}):
        os._exit(9)
"""


class DeployedProject:
    """A project with an `api` (an app), a `store` that it depends on (a script that binds by itself) and a `worker`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.api_port, self.store_port = free_ports(2)
        self.environment: dict[str, str] = {}
        for path, text in (
            ("shared/__init__.py", ""),
            ("shared/version.py", "VERSION = 1\n"),
            ("api/__init__.py", ""),
            ("api/main.py", API),
            ("store/run.py", STORE),
            ("worker.py", WORKER),
        ):
            self.write(path, text)
        self.write("sophia.toml", self.settings())

    def settings(self, api: str = "", store: str = "", worker: str = "", more: str = "") -> str:
        """Return the text of `sophia.toml`, with further lines for each service."""
        return f"""\
[project]
name = "tea-shop"
python = {json.dumps(sys.prefix)}

[agent]
web = false

[services.store]
command = "python store/run.py"
port = {self.store_port}
soak = "0s"
{store}

[services.api]
app = "api.main:app"
port = {self.api_port}
depends_on = ["store"]
soak = "0s"
readiness = {{ http = "/ready", interval = "50ms", timeout = "2s" }}
{api}

[services.worker]
command = ["python", "worker.py"]
strategy = "replace"
soak = "0s"
{worker}
{more}
"""

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start `sophia` in the project, with further environment variables."""
        return subprocess.Popen(
            [sys.executable, "-m", "sophia_cli.main", *words],
            cwd=self.root,
            env={**os.environ, **self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **more: str) -> Ran:
        """Run `sophia ... --json` to its end."""
        process = self.start(*words, "--json", **more)
        out, err = process.communicate(timeout=LIMIT_S)
        return Ran(process.returncode, json.loads(out) if out else {}, err)

    def status(self, name: str) -> dict[str, Any]:  # JSON of any shape
        """Return what `sophia status` says of a service."""
        return self.run("status", name).service(name)

    def get(self, path: str = "/", port: int | None = None) -> str:
        """Return the body of an answer of the api, or of another port; OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.api_port, timeout=LIMIT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.read().decode()
        finally:
            connection.close()

    def facts(self) -> Mapping[str, str]:
        """Return what the api answers, by name."""
        return dict(word.split("=", 1) for word in self.get().split(" "))

    def facts_or_none(self) -> Mapping[str, str]:
        """Return what the api answers, nothing while it does not."""
        try:
            return self.facts()
        except OSError:
            return {}

    def agent_pid(self) -> int:
        """Return the process id of the agent."""
        return int((self.root / ".sophia" / "agent.lock").read_text())

    def incidents(self, service: str) -> list[tuple[str, str | None]]:
        """Return the causes and outcomes of a service's incidents, oldest first."""
        return incidents_of(self.root, service)

    def close(self) -> None:
        """End everything that the project runs, by process id."""
        with contextlib.suppress(OSError, ValueError):
            pid = self.agent_pid()
            with contextlib.suppress(ProcessLookupError):
                if runs_agent(pid, self.root):
                    os.kill(pid, signal.SIGKILL)
                    eventually(lambda: not runs_agent(pid, self.root))
        for _, identity in running_proxies(self.root.resolve() / ".sophia" / "run"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(identity.pid, signal.SIGKILL)
        for process in processes_of_project(str(self.root.resolve())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.identity.pid, signal.SIGKILL)


def waits_for(file: Path) -> str:
    """Return code that goes on once a file is there."""
    return WAITS.format(path=str(file))


def dies_when_told(file: Path) -> str:
    """Return code, to stand at the end of `api/main.py`: once a file is there, it dies after every answer."""
    return DIES.format(path=str(file))
