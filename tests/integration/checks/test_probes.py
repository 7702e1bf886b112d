"""Probes against real sockets and processes: what passes, what fails, what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from raw_servers import OK, answering, raw_server

from benchmarks.ports import free_port
from sophia_cli.checks.command_probe import CommandPlace
from sophia_cli.checks.endpoint import Endpoint, tcp_endpoint
from sophia_cli.checks.probe import Prober, ProbeResult, run_probe
from sophia_cli.project.settings.check_model import Command, Probe, ProbeKind


def http(target: str = "/health", timeout_s: float = 60.0) -> Probe:
    return Probe(ProbeKind.HTTP, target, None, None, 0.25, timeout_s, 3)


def command(text: str, timeout_s: float = 60.0) -> Probe:
    return Probe(ProbeKind.COMMAND, "", None, Command((text,), shell=True), 0.25, timeout_s, 3)


def at(port: int) -> Endpoint:
    return tcp_endpoint("127.0.0.1", port)


def probe(one: Probe, endpoint: Endpoint, place: CommandPlace | None = None) -> ProbeResult:
    return asyncio.run(run_probe(one, endpoint, place))


def test_probes_of_one_target_share_a_connection() -> None:
    async def three_times(port: int) -> list[ProbeResult]:
        prober = Prober(http(), at(port))
        results = [await prober.run() for _ in range(3)]
        prober.close()
        return results

    with raw_server(answering(OK)) as server:
        results = asyncio.run(three_times(server.port))
    assert [(result.passed, result.detail, result.last_answer) for result in results] == [
        (True, "status 200", "ok")
    ] * 3
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /health HTTP/1.1\r\n")


def test_a_connection_that_the_server_closed_meanwhile_is_no_failure() -> None:
    def once(connection: socket.socket, number: int) -> bool:
        connection.sendall(OK)
        return False

    async def twice(port: int) -> list[bool]:
        prober = Prober(http(), at(port))
        results = [(await prober.run()).passed for _ in range(5)]
        prober.close()
        return results

    with raw_server(once) as server:
        assert asyncio.run(twice(server.port)) == [True] * 5


def test_the_host_field_can_be_another_than_the_address() -> None:
    with raw_server(answering(OK)) as server:
        assert probe(http(), tcp_endpoint("127.0.0.1", server.port, "shop.example")).passed
    assert b"\r\nHost: shop.example\r\n" in server.requests[0]


def test_a_probe_of_tcp_asks_whether_somebody_listens() -> None:
    tcp = Probe(ProbeKind.TCP, "", None, None, 0.25, 60.0, 3)
    with raw_server(answering(OK)) as server:
        assert probe(tcp, at(server.port)).passed
    assert not probe(tcp, at(server.port)).passed


@pytest.mark.parametrize(("status", "passed"), [(204, True), (302, True), (404, False), (503, False)])
def test_a_status_below_400_passes(status: int, passed: bool) -> None:
    with raw_server(answering(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())) as server:
        assert probe(http(), at(server.port)).passed is passed


BAD = {
    "nothing listens": None,
    "no http": b"220 ready\r\n",
    "cut in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "gigabyte": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20_000,
    "endless body": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_answer_is_a_failure_with_a_reason(kind: str) -> None:
    def respond(connection: socket.socket, number: int) -> bool:
        connection.sendall(BAD[kind] or b"")
        return False

    with raw_server(respond) if BAD[kind] else contextlib.nullcontext() as server:
        result = probe(http(), at(server.port if server else free_port()))
    assert not result.passed
    assert result.detail


def test_a_server_that_drips_is_left_at_the_timeout() -> None:
    def drip(connection: socket.socket, number: int) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X: y\r\n")
            time.sleep(0.02)

    with raw_server(drip) as server:
        started = time.monotonic()
        assert not probe(http(timeout_s=0.3), at(server.port)).passed
        # It drips for ever.
        assert time.monotonic() - started < 60


def test_a_tcp_probe_asks_whether_the_port_accepts() -> None:
    own = Probe(ProbeKind.TCP, "", None, None, 0.25, 60.0, 3)
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert probe(own, at(port)).passed
        assert probe(Probe(ProbeKind.TCP, "", port, None, 0.25, 60.0, 3), at(free_port())).passed
    assert not probe(own, at(port)).passed


def test_a_full_url_leads_away_from_the_instance() -> None:
    with raw_server(answering(OK)) as server:
        assert probe(http(f"{server.url}/x?y=1"), at(free_port())).passed
    assert server.requests[0].startswith(b"GET /x?y=1 HTTP/1.1\r\n")


def place(folder: Path) -> CommandPlace:
    return CommandPlace(folder, {"PATH": os.environ["PATH"], "GREETING": "hello"})


def test_a_command_passes_by_its_exit_code_and_its_output_is_kept(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    result = probe(command('test -f here && echo "$GREETING $HOME."'), at(1), place(tmp_path))
    assert (result.passed, result.last_answer) == (True, "hello .")
    assert not probe(command("exit 3"), at(1), place(tmp_path)).passed
    assert probe(command("kill -9 $$"), at(1), place(tmp_path)).detail == "the command was ended by signal 9"
    missing = Probe(ProbeKind.COMMAND, "", None, Command(("no-such-program",), shell=False), 0.25, 60.0, 3)
    assert not probe(missing, at(1), place(tmp_path)).passed


@pytest.mark.parametrize(("ending", "timeout_s"), [("sleep 3600", 0.5), ("exit 0", 120.0)])
def test_a_command_leaves_nothing_behind(tmp_path: Path, ending: str, timeout_s: float) -> None:
    left = "setsid sleep 3600 & sh -c 'trap \"\" TERM; sleep 3600 & wait' & echo $$ > pid; sleep 0.1;"
    started = time.monotonic()
    result = probe(command(left + ending, timeout_s), at(1), place(tmp_path))
    assert result.passed is (ending == "exit 0")
    assert time.monotonic() - started < 100
    while running_in(tmp_path):
        assert time.monotonic() - started < 200


def running_in(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.joinpath("cwd").resolve() == folder.resolve():
                found.append(entry.joinpath("cmdline").read_text())
    return found


def test_the_output_of_a_command_is_bounded_and_no_descriptor_leaks(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    result = probe(command("yes | head -c 3000000; echo the end"), at(1), place(tmp_path))
    assert result.passed
    assert result.last_answer.endswith("the end")
    assert len(result.last_answer) <= 300
    assert len(os.listdir("/proc/self/fd")) <= before


def test_what_the_agent_loads_for_probes_is_light() -> None:
    code = "import sophia_cli.checks.probe, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"httpx", "typer", "pydantic", "http.client", "email", "jsonschema", "tomllib", "sqlite3"})
