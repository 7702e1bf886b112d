"""Strict services whose public port changes: who calls the old one is answered until it is given up."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deployed_project import DeployedProject, waits_for
from strict_services import HAPROXY, Callers, needs_haproxy, proxies, taken_back, with_port
from waiting import LIMIT_S, eventually

from benchmarks.ports import free_ports

LONG_START = """\
[services.api]
start_timeout = "10m"
"""


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


@contextlib.contextmanager
def kept_connection(shop: DeployedProject) -> Iterator[Callable[[], str]]:
    """Have a connection to the api that HAProxy has taken; give what asks on it once more and returns the answer.

    A front that is closed ends a connection with its next answer.
    """
    connection = http.client.HTTPConnection("127.0.0.1", shop.api_port, timeout=LIMIT_S)

    def ask() -> str:
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200, body
        return body

    try:
        ask()
        yield ask
    finally:
        connection.close()


def on_the_way_to(shop: DeployedProject, port: int) -> subprocess.Popen[str]:
    """Begin to bring version 2 to another port; return once it serves there, long before it has come through."""
    shop.write("sophia.toml", shop.settings(api="strict = true").replace('soak = "0s"', 'soak = "10m"'))
    with_port(shop, port)
    shop.write("shared/version.py", "VERSION = 2\n")
    deploying = shop.start("deploy", "api", "--json")
    eventually(lambda: [one["release"] for one in shop.status("api")["instances"]] == [2])
    assert "version=2" in shop.get(port=port)
    return deploying


@needs_haproxy
def test_a_caller_that_is_still_connected_to_the_retired_port_is_answered_from_the_next_one(
    strict: DeployedProject,
) -> None:
    first, second = free_ports(2)
    with kept_connection(strict) as ask, kept_connection(strict) as ask_later:
        with_port(strict, first)
        assert strict.run("deploy", "api").code == 0
        with pytest.raises(ConnectionRefusedError):
            strict.get()
        assert "SOPHIA_RELEASE=2" in ask()
        # The port that it is sent to is retired, too.
        strict.write("sophia.toml", (strict.root / "sophia.toml").read_text().replace(str(first), str(second)))
        assert strict.run("deploy", "api").code == 0
        assert "SOPHIA_RELEASE=3" in ask_later()
    eventually(lambda: len(proxies(strict)) == 1)


@needs_haproxy
def test_the_old_port_is_served_by_the_release_that_comes_in_until_that_has_come_through(
    strict: DeployedProject,
) -> None:
    (other,) = free_ports(1)
    with kept_connection(strict) as ask:
        deploying = on_the_way_to(strict, other)
        assert "version=2" in strict.get()
        assert "version=2" in ask()
        with kept_connection(strict) as ask_later:
            taken_back(deploying)
            assert "version=1" in strict.get()
            assert "version=1" in ask()
            assert "version=1" in ask_later()
    with pytest.raises(ConnectionRefusedError):
        strict.get(port=other)
    eventually(lambda: len(proxies(strict)) == 1)


@needs_haproxy
def test_the_next_agent_sends_callers_of_the_old_port_to_where_the_service_is_now(strict: DeployedProject) -> None:
    (other,) = free_ports(1)
    with kept_connection(strict) as ask, kept_connection(strict) as ask_later:
        deploying = on_the_way_to(strict, other)
        os.kill(strict.agent_pid(), signal.SIGKILL)
        deploying.communicate(timeout=LIMIT_S)
        assert strict.run("agent", "start").code == 0
        assert "version=2" in ask()
        # Nothing serves the old port for the next agent, which does not know of it.
        eventually(lambda: refuses(strict.api_port))
        assert "version=2" in ask_later()
    eventually(lambda: len(proxies(strict)) == 1)


def refuses(port: int) -> bool:
    """Whether nobody listens on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), LIMIT_S).close()
    except ConnectionRefusedError:
        return True
    return False


@needs_haproxy
def test_a_service_that_becomes_direct_on_another_port_answers_who_is_still_connected(strict: DeployedProject) -> None:
    (other,) = free_ports(1)
    with kept_connection(strict) as ask:
        strict.write("sophia.toml", strict.settings())
        with_port(strict, other)
        done = strict.run("deploy", "api")
        assert done.code == 0, done
        assert "SOPHIA_RELEASE=2" in ask()


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
