"""Strict services: HAProxy in front of real services, under callers that count every request that fails."""

from __future__ import annotations

import asyncio
import csv
import http.client
import os
import signal
import socket
import sqlite3
import threading

import pytest
from deployed_project import DeployedProject
from strict_services import Callers, needs_haproxy, proxies, taken_back
from waiting import LIMIT_S, eventually

from benchmarks import strict_swaps
from sophia_cli.agent.proxy.link import tell
from sophia_cli.agent.proxy.proxy import running_proxies
from sophia_cli.project.host.sockets import socket_holders
from sophia_cli.project.host.tcp_table import TcpSocket, TcpState, tcp_sockets

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
    strict.write("sophia.toml", strict.settings(api=canary.format("10m")))
    deploying = strict.start("deploy", "api", "--json")
    eventually(lambda: answering(strict, 8) - old)
    # HAProxy gives shares in turn, so nobody else is to call meanwhile.
    seen = [strict.facts()["version"] for _ in range(40)]
    with Callers(strict.api_port) as callers:
        taken_back(deploying)
        strict.write("sophia.toml", strict.settings(api=canary.format("100ms")))
        done = strict.run("deploy", "api")
    assert done.code == 0, done
    # A quarter beside two old ones.
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
