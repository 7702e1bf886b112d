"""Other supervisors on the same services: s6, supervisord, circus and pm2, each from a folder that a script fills.

    sh benchmarks/deploy_peers.sh FOLDER

Each is used as its own guide shows it, with its usual intervals; what is not installed is named and left out.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from benchmarks.deploy_harness import LIMIT_S, Served, eventually
from benchmarks.ports import free_ports


class Supervisor(ABC):
    """A supervisor that runs services from its start on; leaving it ends it and them."""

    name: str

    def __init__(self, programs: Path, folder: Path, services: Sequence[Served]) -> None:
        self._programs = programs
        self._folder = folder
        self._services = services
        folder.mkdir(parents=True)
        self.begin()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @abstractmethod
    def begin(self) -> None:
        """Start the supervisor, and with it the services."""

    @abstractmethod
    def restart(self, service: Served) -> None:
        """Have one service restarted, and return when the command does."""

    @abstractmethod
    def end(self) -> None:
        """End the services and the supervisor."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process id of the supervisor."""

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of all that it takes to supervise."""
        return (self.pid,)


class _OneProcess(Supervisor):
    """A supervisor that stays in the foreground."""

    def _start(self, *words: str) -> None:
        self._process = subprocess.Popen(
            words, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        return self._process.pid

    def end(self) -> None:
        """End the services and the supervisor."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(LIMIT_S)


class Supervisord(_OneProcess):
    """supervisord, commanded by supervisorctl over its Unix socket."""

    name = "supervisord"

    def begin(self) -> None:
        """Start the supervisor, and with it the services."""
        place = self._folder / "s.sock"
        text = f"""\
[unix_http_server]
file={place}
[supervisord]
nodaemon=true
logfile={self._folder / "log"}
pidfile={self._folder / "pid"}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{place}
"""
        for service in self._services:
            text += f"[program:{service.name}]\ncommand={' '.join(service.words)}\ndirectory={service.folder}\n"
        self._settings = self._folder / "supervisord.conf"
        self._settings.write_text(text)
        self._start(str(self._programs / "bin" / "supervisord"), "-c", str(self._settings))

    def restart(self, service: Served) -> None:
        """Have one service restarted, and return when the command does."""
        program = str(self._programs / "bin" / "supervisorctl")
        words = [program, "-c", str(self._settings), "restart", service.name]
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True, timeout=LIMIT_S)


class Circus(_OneProcess):
    """circusd, commanded by circusctl."""

    name = "circus"

    def begin(self) -> None:
        """Start the supervisor, and with it the services."""
        self._endpoint, publishing = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
        text = f"[circus]\nendpoint = {self._endpoint}\npubsub_endpoint = {publishing}\nstatsd = False\n"
        for service in self._services:
            command = f"cmd = {' '.join(service.words)}\nworking_dir = {service.folder}\ncopy_env = True"
            text += f"[watcher:{service.name}]\n{command}\n"
        settings = self._folder / "circus.ini"
        settings.write_text(text)
        self._start(str(self._programs / "bin" / "circusd"), str(settings))

    def restart(self, service: Served) -> None:
        """Have one service restarted, and return when the command does."""
        program = str(self._programs / "bin" / "circusctl")
        words = [program, "--endpoint", self._endpoint, "restart", service.name, "--waiting"]
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True, timeout=LIMIT_S)


class Pm2(Supervisor):
    """pm2 in fork mode (its cluster mode is for node programs only), with a home of its own."""

    name = "pm2"

    def begin(self) -> None:
        """Start the supervisor, and with it the services."""
        apps = [
            {
                "name": service.name,
                "script": service.words[0],
                "interpreter": "none",
                "args": list(service.words[1:]),
                "cwd": str(service.folder),
            }
            for service in self._services
        ]
        settings = self._folder / "five.config.json"
        settings.write_text(json.dumps({"apps": apps}))
        self._run("start", str(settings))

    def _run(self, *words: str) -> None:
        program = str(self._programs / "node_modules" / ".bin" / "pm2")
        subprocess.run(
            [program, *words],
            env={**os.environ, "PM2_HOME": str(self._folder), "PM2_DISCRETE_MODE": "true"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=LIMIT_S,
        )

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        return int((self._folder / "pm2.pid").read_text())

    def restart(self, service: Served) -> None:
        """Have one service restarted, and return when the command does."""
        self._run("restart", service.name)

    def end(self) -> None:
        """End the services and the supervisor."""
        pid = self.pid
        self._run("kill")
        eventually(lambda: not Path(f"/proc/{pid}").exists())


class S6(_OneProcess):
    """s6-svscan, which starts an s6-supervise for every service."""

    name = "s6"

    def begin(self) -> None:
        """Start the supervisor, and with it the services."""
        for service in self._services:
            place = self._place(service)
            place.mkdir(parents=True)
            run = place / "run"
            run.write_text(f"#!/bin/sh\ncd {shlex.quote(str(service.folder))}\nexec {shlex.join(service.words)}\n")
            run.chmod(0o755)
        self._start(str(self._programs / "bin" / "s6-svscan"), str(self._folder / "scan"))

    def _place(self, service: Served) -> Path:
        return self._folder / "scan" / service.name

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of all that it takes to supervise: one of its own, and one for each service."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return (self.pid, *(int(pid) for pid in children))

    def restart(self, service: Served) -> None:
        """Have one service restarted, and return when the command does."""
        words = [str(self._programs / "bin" / "s6-svc"), "-wr", "-r", str(self._place(service))]
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True, timeout=LIMIT_S)


_PLACES: Mapping[type[Supervisor], str] = {
    S6: "bin/s6-svscan",
    Supervisord: "bin/supervisord",
    Circus: "bin/circusd",
    Pm2: "node_modules/.bin/pm2",
}


def installed_peers(programs: Path | None) -> list[type[Supervisor]]:
    """Return the supervisors that are there, and say which are not."""
    found: list[type[Supervisor]] = []
    for kind, place in _PLACES.items():
        if programs is not None and (programs / place).exists() and (kind is not Pm2 or shutil.which("node")):
            found.append(kind)
        else:
            print(f"{kind.name} is not installed (sh benchmarks/deploy_peers.sh FOLDER, then --peers FOLDER): left out")
    return found
