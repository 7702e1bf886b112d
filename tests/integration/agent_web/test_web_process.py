"""The life of the web API's process: the agent starts, keeps, replaces and ends it, and tells why it does not serve."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from waiting import LIMIT_S, eventually
from web_project import WebProject

from benchmarks.ports import free_port
from sophia_cli.project.host.processes import is_running

NO_STARLETTE = """\
import sys
from importlib.machinery import PathFinder


class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "starlette" else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
"""


def note(project: WebProject) -> str:
    """Return why the web API does not serve, empty while it does."""
    return str(project.run("agent", "status")["web_note"] or "")


def test_the_agent_tells_where_it_serves_and_takes_it_along_when_it_ends(shop: WebProject) -> None:
    shop.serve()
    status = shop.run("agent", "status")
    assert (status["web"], status["web_note"]) == (f"http://127.0.0.1:{shop.port}", None)
    web = shop.web_identity()
    with shop.connect() as stream:
        request = f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {shop.token}\r\n\r\n"
        stream.sendall(request.encode())
        assert stream.recv(64).startswith(b"HTTP/1.1 200 ")
        shop.run("agent", "stop")
    assert not is_running(web)
    assert shop.health() == 0
    assert not (shop.state / "web.process").exists()


def test_callers_wait_while_it_is_started_again(shop: WebProject) -> None:
    shop.serve()
    web = shop.web_identity()
    os.kill(web.pid, signal.SIGKILL)
    # A call that it had taken before the signal came would die with it.
    eventually(lambda: not is_running(web))
    assert shop.get("/api/v1/status").status == 200
    assert shop.web_identity() != web


def test_an_agent_that_follows_a_killed_one_replaces_it_and_refuses_nobody(shop: WebProject) -> None:
    shop.serve()
    web = shop.web_identity()
    shop.kill_agent()
    shop.await_health(503)
    reply = shop.get("/api/v1/status")
    assert (reply.status, reply.reference) == (503, "agent-not-running")
    assert shop.get("/metrics").body.endswith(b"sophia_agent_up 0\n")
    refused: list[OSError] = []
    answered: list[int] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", shop.port), timeout=LIMIT_S) as connection:
                    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    answered.append(len(connection.recv(64)))
            except ConnectionRefusedError as error:
                refused.append(error)
            except OSError:
                # Whoever was connected to the process that is replaced is cut off, and asks again.
                continue

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        shop.run("agent", "start")
        eventually(lambda: shop.web_identity() != web and shop.health() == 200)
    finally:
        is_over.set()
        asking.join()
    eventually(lambda: not is_running(web))
    assert not refused
    assert answered


def test_one_that_the_agent_does_not_know_ends_itself(shop: WebProject) -> None:
    shop.serve()
    words = [sys.executable, "-m", "sophia_cli.agent.web", str(shop.root)]
    other = WebProject(shop.root.with_name("other"))
    shop.settings(f"web_port = {other.port}")
    stranger = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    _, told = stranger.communicate(timeout=LIMIT_S)
    assert stranger.returncode == 0
    assert "did not start the web API" in told
    assert shop.health() == 200


@pytest.mark.slow
def test_one_whose_agent_is_gone_for_long_ends_itself(shop: WebProject) -> None:
    shop.serve()
    web = shop.web_identity()
    shop.kill_agent()
    eventually(lambda: not is_running(web))
    assert shop.health() == 0


def test_a_port_that_is_held_is_told_and_tried_again(shop: WebProject) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", shop.port))
        holder.listen()
        shop.run("agent", "start")
        eventually(lambda: f"port {shop.port} of 127.0.0.1 is held by pid {os.getpid()}" in note(shop))
        assert shop.run("agent", "status")["web"] is None
    shop.await_health()
    assert note(shop) == ""


def test_broken_settings_are_told_and_read_again(shop: WebProject) -> None:
    good = (shop.root / "sophia.toml").read_text()
    (shop.root / "sophia.toml").write_text(good + "\n[agent\n")
    subprocess.run(
        [sys.executable, "-m", "sophia_cli.main", "agent", "start"], cwd=shop.root, check=False, timeout=LIMIT_S
    )
    eventually(lambda: "is not TOML" in note(shop))
    (shop.root / "sophia.toml").write_text(good)
    shop.await_health()


def test_it_can_be_turned_off(shop: WebProject) -> None:
    shop.settings("web = false")
    shop.run("agent", "start")
    eventually(lambda: "web = false" in note(shop))
    assert not (shop.state / "web.token").exists()
    eventually(lambda: not is_running(shop.web_identity()))
    shop.run("agent", "stop")


def test_a_deployment_applies_what_the_settings_say_of_it_now(shop: WebProject) -> None:
    shop.serve()
    old = shop.port
    shop.port = free_port()
    shop.settings(f"web_port = {shop.port}")
    told = [f"the web API is served at port {shop.port} from now on"]
    assert shop.run("deploy")["notes"] == told
    shop.await_health()
    assert is_refused(old)
    assert shop.run("deploy")["notes"] == []
    shop.settings("web = false")
    assert shop.run("deploy")["notes"] == ["the web API is turned off"]
    assert is_refused(shop.port)
    eventually(lambda: "web = false" in note(shop))
    assert shop.run("deploy")["notes"] == []
    shop.settings(f"web_port = {shop.port}")
    assert shop.run("deploy")["notes"] == told
    shop.await_health()


def test_a_service_takes_the_port_that_the_web_api_leaves_in_the_same_deployment(shop: WebProject) -> None:
    shop.serve()
    old = shop.port
    shop.port = free_port()
    shop.settings(f"web_port = {shop.port}\n[services.server]\ncommand = 'python -m http.server {old}'\nport = {old}")
    shop.run("deploy")
    assert not is_refused(old)
    shop.await_health()
    server = next(one for one in shop.run("status")["services"] if one["name"] == "server")
    assert (server["state"], server["port"]) == ("running", old)
    shop.run("stop", "--all")


def is_refused(port: int) -> bool:
    """Whether nobody listens on a port; a caller that waits for an answer is not refused."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("is_off", [True, False])
def test_nobody_waits_at_a_port_that_the_next_agent_does_not_serve(shop: WebProject, is_off: bool) -> None:
    shop.serve()
    old = shop.port
    shop.kill_agent()
    shop.port = free_port()
    shop.settings("web = false" if is_off else f"web_port = {shop.port}")
    shop.run("agent", "start")
    eventually(lambda: is_refused(old))
    if not is_off:
        shop.await_health()
    assert is_refused(old)


def test_without_the_extra_the_agent_says_so_and_runs(shop: WebProject, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_STARLETTE)
    shop.environment["PYTHONPATH"] = str(tmp_path)
    shop.run("agent", "start")
    eventually(lambda: "sophia-cli[web]" in note(shop))
    eventually(lambda: not is_running(shop.web_identity()))
    assert shop.run("deploy")["exit_code"] == 0
    assert "sophia-cli[web]" in note(shop)
    checks = {check["name"]: check for check in shop.run("doctor")["checks"]}
    assert checks["web api"]["state"] == "warn"
    assert "starlette" in checks["web api"]["message"]


@pytest.mark.slow
def test_one_that_hangs_is_replaced(shop: WebProject) -> None:
    shop.serve()
    web = shop.web_identity()
    os.kill(web.pid, signal.SIGSTOP)
    eventually(lambda: not is_running(web), limit_s=2 * LIMIT_S)
    shop.await_health()


def test_the_process_of_another_program_is_never_ended_in_its_place(shop: WebProject) -> None:
    shop.run("agent", "start")
    shop.run("agent", "stop")
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    try:
        # A number that is used again: the start time tells that it is somebody else.
        (shop.state / "web.process").write_text(f"{bystander.pid} 1 no-such-boot {shop.port}\n")
        shop.serve()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("content", ["", "x y z 1\n", "1\n", "\x00" * 64])
def test_a_broken_note_of_an_earlier_process_harms_nothing(shop: WebProject, content: str) -> None:
    shop.state.mkdir(mode=0o700)
    (shop.state / "web.process").write_text(content)
    shop.serve()


def test_the_daemon_loads_no_web_framework() -> None:
    code = "import sophia_cli.agent.daemon, sys; sys.stdout.write(chr(10).join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    loaded = set(done.stdout.split())
    assert "sophia_cli.agent.web_process" in loaded
    assert loaded.isdisjoint({"starlette", "uvicorn", "h11", "anyio", "httpx", "tomllib", "http.client", "typer"})
