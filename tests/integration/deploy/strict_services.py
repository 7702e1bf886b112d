"""What tests of strict services share: callers that count what fails, and the HAProxies of a project."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading

import pytest
from deployed_project import DeployedProject
from waiting import LIMIT_S

from sophia_cli.agent.proxy.proxy import running_proxies
from sophia_cli.project.host.haproxy import find_haproxy

HAPROXY = find_haproxy(os.environ)
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed (`apt-get install haproxy`)")


class Callers:
    """Threads that ask an address without pause, every second one on a kept connection."""

    def __init__(self, port: int, threads: int = 4) -> None:
        self.failures: list[str] = []
        self.answers = 0
        self.statuses: list[int] = []
        self._port = port
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number % 2 == 0,)) for number in range(threads)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _call(self, keeps: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_S)
        while not self._ended.is_set():
            try:
                connection.request("GET", "/", headers={} if keeps else {"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                self.statuses.append(answer.status)
                if answer.status != 200:
                    self.failures.append(f"status {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.answers += 1
        connection.close()


def proxies(shop: DeployedProject) -> list[int]:
    return [identity.pid for _, identity in running_proxies(shop.root.resolve() / ".sophia" / "run")]


def with_port(shop: DeployedProject, port: int) -> None:
    """Have the settings name another port for the api."""
    text = (shop.root / "sophia.toml").read_text()
    shop.write("sophia.toml", text.replace(f"port = {shop.api_port}", f"port = {port}"))


def taken_back(deploying: subprocess.Popen[str]) -> None:
    """Interrupt a deployment, and return once what was under way is taken back."""
    deploying.send_signal(signal.SIGINT)
    out, _ = deploying.communicate(timeout=LIMIT_S)
    assert deploying.returncode == 130, out
