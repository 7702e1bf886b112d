"""Strict services: HAProxy in front of real services, under callers that count every request that fails."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest
from deployed_project import DeployedProject, waits_for
from waiting import LIMIT_S, eventually

from benchmarks import strict_swaps
from benchmarks.ports import free_ports
from sophia_cli.agent.proxy.link import tell
from sophia_cli.agent.proxy.proxy import running_proxies
from sophia_cli.project.host.haproxy import find_haproxy
from sophia_cli.project.host.sockets import socket_holders
from sophia_cli.project.host.tcp_table import TcpSocket, TcpState, tcp_sockets

HAPROXY = find_haproxy(os.environ)
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed (`apt-get install haproxy`)")
FAILS_OFTEN = """
_answer = app
_count = iter(range(10**9))


async def app(scope, receive, send):
    if scope["type"] == "http" and scope["path"] != "/ready" and next(_count) % 2:
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
    else:
        await _answer(scope, receive, send)
"""


def has_ipv6() -> bool:
    """Whether this machine has the loopback address of IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


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


@pytest.fixture
def strict(shop: DeployedProject) -> DeployedProject:
    shop.write("sophia.toml", shop.settings(api="strict = true", store="strict = true"))
    deployed = shop.run("deploy")
    assert deployed.code == 0, deployed.stderr
    return shop


def proxies(shop: DeployedProject) -> list[int]:
    return [identity.pid for _, identity in running_proxies(shop.root.resolve() / ".sophia" / "run")]


def private_port(shop: DeployedProject) -> int:
    """Return the port on which the api's instance serves HAProxy."""
    connection = sqlite3.connect(shop.root / ".sophia" / "agent.sqlite", timeout=LIMIT_S)
    try:
        ((port,),) = connection.execute("SELECT private_port FROM instances WHERE service = 'api'").fetchall()
    finally:
        connection.close()
    return int(port)


def connections_made(shop: DeployedProject) -> int:
    """Return how many connections HAProxy has made to the instances of the api."""
    folder = shop.root.resolve() / ".sophia" / "run"
    latest = max(number for number, _ in running_proxies(folder))
    answer = asyncio.run(tell(folder, f"proxy-{latest}", ("show stat",)))
    rows = csv.DictReader(answer.removeprefix("# ").splitlines())
    return sum(int(row["connect"] or 0) for row in rows if row["pxname"] == "back-api" and row["svname"] == "BACKEND")


def from_haproxy(shop: DeployedProject, port: int) -> list[TcpSocket]:
    """Return HAProxy's open connections to a port."""
    pids = frozenset(proxies(shop))
    opened = [one for one in tcp_sockets(port, is_local=False) if one.state is TcpState.ESTABLISHED]
    return [one for one in opened if socket_holders(frozenset((one.inode,)), pids)]


@needs_haproxy
def test_one_haproxy_serves_all_strict_services_and_says_how_it_proved_them(strict: DeployedProject) -> None:
    assert len(proxies(strict)) == 1
    strict.write("shared/version.py", "VERSION = 2\n")
    plan = strict.run("deploy", "--plan")
    deployed = strict.run("deploy")
    steps = [step["name"] for step in deployed.service("api")["steps"]]
    assert steps == ["start-candidate", "prove", "attach", "verify", "drain-old", "soak"]
    assert [step["name"] for step in plan.service("api")["steps"]] == steps
    assert strict.facts()["version"] == "2"


@needs_haproxy
def test_callers_that_close_their_connections_share_those_to_the_instance(strict: DeployedProject) -> None:
    port, before = private_port(strict), connections_made(strict)
    for _ in range(30):
        connection = http.client.HTTPConnection("127.0.0.1", strict.api_port, timeout=LIMIT_S)
        connection.request("GET", "/", headers={"Connection": "close"})
        assert connection.getresponse().read().startswith(b"version=1")
        connection.close()
    # What is not needed for a moment is closed, so one is not always enough.
    assert connections_made(strict) - before < 20
    kept = {one.local.port for one in from_haproxy(strict, port)}
    eventually(lambda: not from_haproxy(strict, port))
    # The kernel remembers a connection for a minute at the end that closed first. That is not the instance, which would
    # do it after five seconds: a request might be on its way then.
    eventually(lambda: not [one for one in tcp_sockets(port) if one.remote.port in kept], limit_s=30)


@needs_haproxy
def test_no_request_fails_while_releases_are_swapped_or_restarted(strict: DeployedProject) -> None:
    with Callers(strict.api_port) as api, Callers(strict.store_port, 2) as store:
        for version in (2, 3):
            strict.write("shared/version.py", f"VERSION = {version}\n")
            assert strict.run("deploy").code == 0
        assert strict.run("restart", "store").code == 0
    assert (api.failures, store.failures) == ([], [])
    assert strict.facts()["version"] == "3"


@needs_haproxy
def test_a_killed_instance_fails_no_request(strict: DeployedProject) -> None:
    before = strict.facts()["pid"]
    with Callers(strict.api_port) as callers:
        os.kill(int(before), signal.SIGKILL)
        eventually(lambda: strict.facts()["pid"] != before)
    # An answer that had begun ends with the process that gave it; nothing else may fail.
    assert all(failure.startswith("IncompleteRead") for failure in callers.failures)
    assert len(callers.failures) <= 4
    eventually(lambda: strict.incidents("api") == [("exited", "recovered")])


@needs_haproxy
def test_a_request_that_takes_its_time_is_answered_by_the_instance_that_has_it(strict: DeployedProject) -> None:
    before = strict.facts()["pid"]
    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(strict.get("/slow")))
    caller.start()
    strict.write("shared/version.py", "VERSION = 2\n")
    assert strict.run("deploy").code == 0
    assert strict.facts()["version"] == "2"
    caller.join()
    assert f"pid={before}" in answers[0]


@needs_haproxy
def test_a_service_becomes_strict_and_direct_again_without_a_failed_request(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    with Callers(shop.api_port) as callers:
        there = shop.run("deploy", "api", "--strict")
        assert there.code == 0, there.document
        assert len(proxies(shop)) == 1
        back = shop.run("deploy", "api")
        assert back.service("api")["reasons"] == ["setting `strict` was removed"]
        assert back.code == 0, back.document
    assert callers.failures == []
    assert shop.facts()["version"] == "1"
    eventually(lambda: not proxies(shop))


@needs_haproxy
def test_a_killed_haproxy_is_back_at_once_and_an_incident(strict: DeployedProject) -> None:
    (before,) = proxies(strict)
    os.kill(before, signal.SIGKILL)
    # The listener is the agent's: whoever connects meanwhile waits.
    assert strict.facts()["version"] == "1"
    (after,) = eventually(lambda: [pid for pid in proxies(strict) if pid != before])
    eventually(lambda: proxies(strict) == [after])
    eventually(lambda: strict.incidents("@haproxy") == [("exited", "recovered")])


@needs_haproxy
def test_a_killed_agent_leaves_haproxy_alone_and_the_next_one_goes_on_with_it(strict: DeployedProject) -> None:
    before = proxies(strict)
    with Callers(strict.api_port) as callers:
        os.kill(strict.agent_pid(), signal.SIGKILL)
        assert strict.run("agent", "start").code == 0
        strict.write("shared/version.py", "VERSION = 2\n")
        deployed = strict.run("deploy")
        assert deployed.code == 0, deployed.document
    assert proxies(strict) == before
    assert callers.failures == []
    assert strict.facts()["version"] == "2"
    # The listeners are the agent's again.
    os.kill(int(strict.facts()["pid"]), signal.SIGKILL)
    assert strict.facts()["version"] == "2"


@needs_haproxy
def test_what_is_stopped_is_refused_and_haproxy_goes_with_the_last(strict: DeployedProject) -> None:
    assert strict.run("stop", "--all").code == 0
    with pytest.raises(ConnectionRefusedError):
        strict.get()
    eventually(lambda: not proxies(strict))
    assert strict.run("restart", "--all").code == 0
    assert strict.facts()["version"] == "1"


@needs_haproxy
def test_a_canary_that_fails_more_often_is_taken_back(strict: DeployedProject) -> None:
    strict.write("api/main.py", (strict.root / "api/main.py").read_text() + FAILS_OFTEN)
    strict.write("sophia.toml", strict.settings(api='strict = true\ncanary = { weight = 20, for = "20s" }'))
    with Callers(strict.api_port) as callers:
        failed = strict.run("deploy", "api")
    assert (failed.code, failed.document["verdict"]) == (3, "rolled-back")
    assert "the canary failed" in failed.service("api")["trouble"]["cause"]
    assert strict.facts()["SOPHIA_RELEASE"] == "1"
    # It had its share and no more: a fifth of the requests, of which it fails every other one.
    assert 0 < len(callers.failures) < 0.2 * callers.answers


@needs_haproxy
def test_a_good_canary_gets_its_share_and_then_all(strict: DeployedProject) -> None:
    strict.write("shared/version.py", "VERSION = 2\n")
    strict.write("sophia.toml", strict.settings(api='strict = true\ncanary = { weight = 25, for = "1s" }'))
    with Callers(strict.api_port) as callers:
        deployed = strict.run("deploy", "api")
    assert deployed.code == 0, deployed.document
    assert "canary" in [step["name"] for step in deployed.service("api")["steps"]]
    assert callers.failures == []
    assert {strict.facts()["version"] for _ in range(8)} == {"2"}


def test_without_haproxy_a_strict_deployment_is_refused_before_anything_is_done(shop: DeployedProject) -> None:
    shop.environment["SOPHIA_AGENT_WITHOUT"] = "haproxy"
    refused = shop.run("deploy", "--strict")
    assert refused.code == 69
    assert refused.document["error"]["reference"] == "haproxy-missing"
    assert not (shop.root / ".sophia" / "releases" / "api").exists()
    assert shop.run("deploy").code == 0


def test_a_share_is_refused_where_nothing_can_be_weighed(shop: DeployedProject) -> None:
    assert shop.run("deploy", "api", "--canary", "10").document["error"]["reference"] == "usage"
    assert shop.run("deploy", "api", "--strict", "--canary", "100").document["error"]["reference"] == "usage"
    assert shop.run("deploy", "worker", "--strict").document["error"]["reference"] == "command-unsupported"


@needs_haproxy
def test_the_benchmark_of_strict_services_runs_and_sees_no_failed_request() -> None:
    calm, swapped = strict_swaps.swaps_rows(swaps=2, requests=50, connections=4)
    assert calm.measured.startswith("0 of ")
    assert swapped.measured.startswith("0 of ")


@needs_haproxy
def test_a_release_with_another_port_that_fails_leaves_the_old_port_served(strict: DeployedProject) -> None:
    (other,) = free_ports(1)
    text = (strict.root / "sophia.toml").read_text()
    strict.write("sophia.toml", text.replace(f"port = {strict.api_port}", f"port = {other}"))
    strict.write("shared/version.py", "raise RuntimeError\n")
    with Callers(strict.api_port) as callers:
        assert strict.run("deploy", "api").code == 3
    assert callers.failures == []
    strict.write("shared/version.py", "VERSION = 2\n")
    assert strict.run("deploy", "api").code == 0
    assert "version=2" in strict.get(port=other)


LONG_START = """\
[services.api]
start_timeout = "10m"
"""


def with_port(shop: DeployedProject, port: int) -> None:
    """Have the settings name another port for the api."""
    text = (shop.root / "sophia.toml").read_text()
    shop.write("sophia.toml", text.replace(f"port = {shop.api_port}", f"port = {port}"))


@needs_haproxy
def test_the_old_port_outlives_a_haproxy_that_dies_while_a_release_with_another_port_fails(
    strict: DeployedProject,
) -> None:
    (other,) = free_ports(1)
    with_port(strict, other)
    gate = strict.root / "gate"
    strict.write("sophia.toml", (strict.root / "sophia.toml").read_text().replace("[services.api]\n", LONG_START))
    strict.write("shared/version.py", waits_for(gate) + "raise RuntimeError\n")
    (before,) = proxies(strict)
    deploying = strict.start("deploy", "api", "--json")
    eventually(lambda: len(strict.status("api")["instances"]) == 2)
    os.kill(before, signal.SIGKILL)
    assert strict.facts()["version"] == "1"
    gate.touch()
    deploying.communicate(timeout=LIMIT_S)
    assert deploying.returncode == 3
    assert strict.status("api")["port"] == strict.api_port
    with pytest.raises(ConnectionRefusedError):
        strict.get(port=other)
    # It is served by whoever comes next, too.
    (before,) = eventually(lambda: found if len(found := proxies(strict)) == 1 else [])
    pid = strict.facts()["pid"]
    os.kill(int(pid), signal.SIGKILL)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: strict.facts_or_none().get("pid", pid) != pid)


@needs_haproxy
def test_a_release_whose_port_is_held_leaves_the_old_port_served(strict: DeployedProject) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        with_port(strict, held.getsockname()[1])
        with Callers(strict.api_port) as callers:
            refused = strict.run("deploy", "api")
            assert refused.code == 3, refused.document
    assert callers.failures == []
    assert strict.facts()["version"] == "1"


@needs_haproxy
def test_a_canary_on_another_port_has_its_share_of_the_callers_of_the_old_one(strict: DeployedProject) -> None:
    (other,) = free_ports(1)
    strict.write("sophia.toml", strict.settings(api='strict = true\ncanary = { weight = 50, for = "10m" }'))
    with_port(strict, other)
    strict.write("shared/version.py", "VERSION = 2\n")
    deploying = strict.start("deploy", "api", "--json")
    # They are asked in turn.
    eventually(lambda: {strict.facts()["version"], strict.facts()["version"]} == {"1", "2"})
    taken_back(deploying)
    assert strict.facts()["version"] == "1"
    strict.write("sophia.toml", strict.settings(api='strict = true\ncanary = { weight = 50, for = "100ms" }'))
    with_port(strict, other)
    done = strict.run("deploy", "api")
    assert done.code == 0, done
    assert "version=2" in strict.get(port=other)
    with pytest.raises(ConnectionRefusedError):
        strict.get()


@pytest.mark.slow
@needs_haproxy
@pytest.mark.parametrize("step", range(1, 8))
def test_an_agent_that_dies_at_any_step_fails_no_request(strict: DeployedProject, step: int) -> None:
    assert strict.run("agent", "stop").code == 0
    assert strict.run("agent", "start", SOPHIA_FAILPOINT=f"step-written:{step}").code == 0
    strict.write("shared/version.py", "VERSION = 2\n")
    with Callers(strict.api_port) as callers:
        assert strict.run("deploy", "api").document["error"]["reference"] == "agent-lost"
        assert strict.run("agent", "start").code == 0
        eventually(lambda: strict.run("agent", "status").document.get("busy_with") is None)
        eventually(lambda: strict.status("api")["state"] == "running")
    assert callers.failures == []
    assert strict.facts()["version"] in ("1", "2")
    assert len(strict.status("api")["instances"]) == 1


@needs_haproxy
def test_replicas_share_the_callers_and_are_swapped_killed_and_counted_down_without_a_failed_request(
    strict: DeployedProject,
) -> None:
    with Callers(strict.api_port) as callers:
        strict.write("sophia.toml", strict.settings(api="strict = true\nreplicas = 2"))
        assert strict.run("deploy", "api").code == 0
        first = answering(strict)
        assert len(first) == 2
        strict.write("shared/version.py", "VERSION = 2\n")
        swapped = strict.run("deploy", "api")
        assert swapped.code == 0, swapped.document
        second = answering(strict)
        assert len(second) == 2
        assert not first & second
        assert callers.failures == []
        os.kill(int(min(second)), signal.SIGKILL)
        eventually(lambda: len(answering(strict) - {min(second)}) == 2)
        strict.write("sophia.toml", strict.settings(api="strict = true\nreplicas = 1"))
        assert strict.run("deploy", "api").code == 0
        assert len(answering(strict)) == 1
    # An answer that had begun ends with the process that gave it; nothing else may fail.
    assert all(failure.startswith("IncompleteRead") for failure in callers.failures)
    assert len(callers.failures) <= 4


@needs_haproxy
def test_a_canary_beside_replicas_gets_its_share_and_all_are_equal_afterwards(strict: DeployedProject) -> None:
    strict.write("sophia.toml", strict.settings(api="strict = true\nreplicas = 2"))
    assert strict.run("deploy", "api").code == 0
    old = answering(strict)
    strict.write("shared/version.py", "VERSION = 2\n")
    canary = 'strict = true\nreplicas = 2\ncanary = {{ weight = 25, for = "{}" }}'
    with Callers(strict.api_port) as callers:
        strict.write("sophia.toml", strict.settings(api=canary.format("10m")))
        deploying = strict.start("deploy", "api", "--json")
        eventually(lambda: answering(strict, 8) - old)
        seen = [strict.facts()["version"] for _ in range(40)]
        taken_back(deploying)
        strict.write("sophia.toml", strict.settings(api=canary.format("100ms")))
        done = strict.run("deploy", "api")
    assert done.code == 0, done
    # A quarter beside two old ones; HAProxy gives shares in turn.
    assert 5 <= seen.count("2") <= 15
    assert callers.failures == []
    new = answering(strict)
    assert len(new) == 2
    pids = [strict.facts()["pid"] for _ in range(20)]
    assert {pids.count(pid) for pid in new} == {10}


@needs_haproxy
@pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6 loopback")
def test_a_service_on_the_ipv6_loopback_can_be_strict(shop: DeployedProject) -> None:
    shop.write("sophia.toml", shop.settings(api='strict = true\nhost = "::1"'))
    deployed = shop.run("deploy", "api")
    assert deployed.code == 0, deployed.document
    before = facts_at("::1", shop.api_port)
    shop.write("shared/version.py", "VERSION = 2\n")
    assert shop.run("deploy", "api").code == 0
    assert facts_at("::1", shop.api_port) != before
    with pytest.raises(ConnectionRefusedError):
        shop.get()
    os.kill(shop.agent_pid(), signal.SIGKILL)
    assert shop.run("agent", "start").code == 0
    assert shop.run("restart", "api").code == 0
    assert "version=2" in facts_at("::1", shop.api_port)


def taken_back(deploying: subprocess.Popen[str]) -> None:
    """Interrupt a deployment, and return once what was under way is taken back."""
    deploying.send_signal(signal.SIGINT)
    out, _ = deploying.communicate(timeout=LIMIT_S)
    assert deploying.returncode == 130, out


def answering(shop: DeployedProject, requests: int = 12) -> set[str]:
    """Return the processes that answer some requests."""
    return {shop.facts()["pid"] for _ in range(requests)}


def facts_at(host: str, port: int) -> str:
    """Return what an address answers."""
    connection = http.client.HTTPConnection(host, port, timeout=LIMIT_S)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def haproxy_that(program: Path, words: str) -> None:
    """Have what is found as HAProxy do this; whoever starts it meanwhile meets the one before or this one."""
    fresh = program.with_name("fresh")
    fresh.write_text(f"#!/bin/sh\n{words}\n")
    fresh.chmod(0o755)
    fresh.rename(program)


@needs_haproxy
def test_a_haproxy_that_does_not_start_for_another_port_is_an_incident_and_tried_again(
    shop: DeployedProject, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "haproxy"
    program.parent.mkdir()
    haproxy_that(program, f'exec {HAPROXY} "$@"')
    shop.environment["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    shop.write("sophia.toml", shop.settings(api="strict = true"))
    assert shop.run("deploy").code == 0
    haproxy_that(program, "exit 1")
    (other,) = free_ports(1)
    with_port(shop, other)
    done = shop.run("deploy", "api")
    assert any("api came in and is degraded" in note for note in done.document["notes"]), done
    status = shop.run("status")
    assert status.code == 1
    assert "HAProxy" in status.service("api")["reason"]
    haproxy_that(program, f'exec {HAPROXY} "$@"')
    eventually(lambda: shop.status("api")["state"] == "running")
    assert "version=1" in shop.get(port=other)
    with contextlib.closing(sqlite3.connect(shop.root / ".sophia" / "agent.sqlite", timeout=LIMIT_S)) as state:
        found = state.execute("SELECT service, outcome FROM incidents WHERE cause = 'not-let-in'").fetchall()
    assert found == [("api", "recovered")]
