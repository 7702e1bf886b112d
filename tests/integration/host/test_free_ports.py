"""The ports that tests give to services are their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.ports import free_ports

ASK = "from benchmarks.ports import free_ports; print(*free_ports(200), flush=True); input()"


def test_ports_are_given_once_and_are_none_that_the_system_gives_to_callers() -> None:
    lowest, highest = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split())
    found = free_ports(200)
    assert len(set(found)) == 200
    assert not [port for port in found if lowest <= port <= highest]


def test_processes_that_ask_at_once_are_given_different_ports() -> None:
    root = Path(__file__).parents[3]
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASK], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    try:
        found = [free_ports(100)]
        for process in asking:
            assert process.stdout is not None
            found.append([int(word) for word in process.stdout.readline().split()])
    finally:
        for process in asking:
            process.communicate("\n")
    assert len({port for ports in found for port in ports}) == sum(map(len, found)) == 700
