"""Node programs that listen by themselves serve on the socket that they were given."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.handover_instances import LIMIT_S, PYTHON, ask_on, base_environment, ended, spawn
from sophia_cli.deploy.handover.recipe import Launch, Place, Reach, start_recipe
from sophia_cli.project.host.processes import descendants_of
from sophia_cli.project.host.sockets import answering_pids, create_listener, port_of
from sophia_cli.project.settings.check_model import Command
from sophia_cli.project.settings.service_model import Service

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

SERVER = """
const http = require("http");
const server = http.createServer((request, response) => {
  setTimeout(() => response.end("ok"), request.url === "/slow" ? 400 : 0);
});
"""
LISTENS = {
    "port": "server.listen(PORT, () => console.log('listening'));",
    "text_and_host": "server.listen(String(PORT), '0.0.0.0');",
    "options": "server.listen({ port: PORT, host: '127.0.0.1' });",
    "other_first": "http.createServer().listen(0); http.createServer().listen('x.sock'); server.listen(PORT);",
}
CLUSTER = """
const cluster = require("cluster");
if (cluster.isPrimary) { cluster.fork(); cluster.fork(); } else { server.listen(PORT); }
"""


@contextmanager
def _started(folder: Path, command: str, listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    port = port_of(listener)
    service = Service("web", command=Command((command,), True), port=port, drain_timeout_s=10)
    recipe = start_recipe(service, Place(str(folder), PYTHON), Launch(Reach.PUBLIC, port))
    environment = {**base_environment(), "HOME": str(folder), **dict(recipe.environment)}
    with ended(spawn(recipe.argv, [listener], environment=environment, cwd=folder)) as process:
        yield process


def _write(folder: Path, listen: str, port: int) -> None:
    (folder / "server.js").write_text(SERVER + listen.replace("PORT", str(port)))


def _serves_itself(process: subprocess.Popen[bytes], port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as client:
        assert ask_on(client, "/").endswith(b"ok")
        assert answering_pids(client) <= {process.pid, *descendants_of(process.pid)}


@pytest.mark.parametrize("name", LISTENS)
def test_a_node_server_serves_on_the_listener(tmp_path: Path, name: str) -> None:
    with create_listener("127.0.0.1", 0) as listener:
        _write(tmp_path, LISTENS[name], port_of(listener))
        with _started(tmp_path, "node server.js", listener) as process:
            _serves_itself(process, port_of(listener))


def test_the_workers_of_a_cluster_serve_on_the_listener(tmp_path: Path) -> None:
    with create_listener("127.0.0.1", 0) as listener:
        _write(tmp_path, CLUSTER, port_of(listener))
        with _started(tmp_path, "node server.js", listener) as process:
            _serves_itself(process, port_of(listener))


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_hands_the_listener_on(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "web", "scripts": {"start": "node server.js"}}))
    with create_listener("127.0.0.1", 0) as listener:
        _write(tmp_path, LISTENS["port"], port_of(listener))
        with _started(tmp_path, "npm start", listener) as process:
            _serves_itself(process, port_of(listener))


def test_a_node_server_drains(tmp_path: Path) -> None:
    with create_listener("127.0.0.1", 0) as listener:
        _write(tmp_path, LISTENS["port"], port_of(listener))
        with (
            _started(tmp_path, "node server.js", listener) as process,
            socket.create_connection(listener.getsockname(), timeout=LIMIT_S) as kept,
        ):
            ask_on(kept, "/")
            process.terminate()
            give_up = time.monotonic() + LIMIT_S
            while b"connection: close" not in (answer := ask_on(kept, "/").lower()):
                assert answer.endswith(b"ok")
                assert time.monotonic() < give_up
            assert kept.recv(1) == b""
            assert process.wait(LIMIT_S) == 0


def test_a_node_program_in_which_nothing_fits_runs_as_ever(tmp_path: Path) -> None:
    preload = Path(__file__).parents[4] / "sophia_cli" / "deploy" / "handover" / "shim" / "preload.js"
    environment = {**base_environment(), "SOPHIA_BIND_FD": "3", "NODE_OPTIONS": f'--require "{preload}"'}
    code = "const s = require('net').createServer().listen(0, () => { console.log(s.address().port > 0); s.close(); });"
    node = shutil.which("node") or os.devnull
    done = subprocess.run([node, "-e", code], env=environment, capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, "true\n", "")
