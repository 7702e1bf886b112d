"""What a hand-over costs: throughput beside a uvicorn that listens by itself, and what fails while instances swap.

    python -m benchmarks.handover [--python PYTHON] [--rounds 5] [--seconds 3] [--swaps 8] [--connections 50]

The interpreter needs uvicorn. Throughput is a closed loop of Sophia's own load engine with keep-alive, medians of
rounds that take turns; the processor time of the server, warm-up included, tells whether a difference is the server's
or the machine's. The swaps are made under callers of which half keep their connections and half close them after each
answer; each thinks for 15 ms, so that it is not the client that is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Protocol, TypeAlias

from benchmarks.handover_instances import LIMIT_S, Launched, Load, Tally, base_environment, ended, spawn
from benchmarks.load_accuracy import load
from sophia_cli.deploy.handover.control import prove_who_answers
from sophia_cli.deploy.handover.recipe import Launch, Place, Reach, start_recipe
from sophia_cli.project.host.sockets import create_listener, next_free_port, port_holders, port_of
from sophia_cli.project.settings.check_model import Command
from sophia_cli.project.settings.service_model import Service

WANTED_THROUGHPUT = 0.95
WANTED_P99_MS = 30.0
WANTED_FAILED = 0.0001
THINK_S = 0.015
HOST = "127.0.0.1"

APP = """
import os
BODY = str(os.getpid()).encode()
HEADERS = [(b"content-type", b"text/plain"), (b"content-length", str(len(BODY)).encode())]
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})
"""
PROGRAM = """
import sys, uvicorn
from served import app
uvicorn.run(app, port=int(sys.argv[1]), access_log=False)
"""


class Instance(Protocol):
    """A running instance of one kind."""

    def retire(self) -> None:
        """Drain, and wait for the end."""


class ByLauncher:
    """What an `app =` service is: a candidate that attaches."""

    def __init__(self, folder: Path, python: str, public: socket.socket) -> None:
        self._launched = Launched(folder, "served:app", public, python=python)
        self._launched.wait_until_served()
        self._launched.ask("attach")

    def retire(self) -> None:
        with self._launched:
            self._launched.ask("drain", deadline_s=10)
            self._launched.process.wait(LIMIT_S)


class ByCommand:
    """What a command is: proved privately, then the same started on the public listener, as its recipe says."""

    def __init__(self, command: str, folder: Path, python: str, public: socket.socket) -> None:
        self._stack = ExitStack()
        port = port_of(public)
        service = Service("api", command=Command((command.format(port=port),), True), port=port, drain_timeout_s=10)
        recipe = start_recipe(service, Place(str(folder), python), Launch(Reach.PUBLIC, port))
        environment = {**base_environment(), **dict(recipe.environment)}
        self._process = spawn(recipe.argv, [public], environment=environment, cwd=folder)
        self._stack.enter_context(ended(self._process))
        proof = asyncio.run(prove_who_answers(HOST, port, lambda: {self._process.pid}, timeout_s=LIMIT_S, tries=10_000))
        assert proof.proved, "the instance does not answer"

    def retire(self) -> None:
        with self._stack:
            self._process.terminate()
            self._process.wait(LIMIT_S)


Kind: TypeAlias = Callable[[Path, str, socket.socket], Instance]
UVICORN = "uvicorn served:app --no-access-log"
KINDS: dict[str, Kind] = {
    "launcher": ByLauncher,
    "uvicorn by its option": partial(ByCommand, UVICORN),
    "uvicorn.run by the shim": partial(ByCommand, "python program.py {port}"),
}
# uvicorn does not see that the descriptor is TCP, so it does not set the option on what it accepts.
DELAYED = "uvicorn by its option, listener without TCP_NODELAY"


def throughput(folder: Path, python: str, rounds: int, seconds: float, connections: int) -> bool:
    """Compare requests/s of every kind with a uvicorn that listens by itself."""
    rates: dict[str, list[float]] = {name: [] for name in ("direct", *KINDS, DELAYED)}
    p99: dict[str, list[float]] = {name: [] for name in rates}
    cpu: dict[str, list[float]] = {name: [] for name in rates}
    with ExitStack() as stack:
        # All are up all the time and the order changes, so that none is always the one that comes after a pause.
        ports = {name: stack.enter_context(_served(name, folder, python)) for name in rates}
        for number in range(rounds):
            names = list(rates)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                before = _served_cpu_s(ports[name])
                found = load(f"http://{HOST}:{ports[name]}/", connections, None, seconds)
                used_us = (_served_cpu_s(ports[name]) - before) * 1e6
                rates[name].append(found.answered / found.measured_s)
                p99[name].append(found.latencies.percentile(0.99))
                cpu[name].append(used_us / max(1, found.latencies.total))
    print("| server | requests/s | of direct | p99 ms | server's CPU us a request |\n" + "| --- " * 5 + "|")
    for name, found_rates in rates.items():
        ratio = median(found_rates) / median(rates["direct"])
        print(
            f"| {name} | {median(found_rates):,.0f} | {ratio:.2f} | {median(p99[name]):.1f} | {median(cpu[name]):.0f} |"
        )
    return all(median(rates[name]) >= WANTED_THROUGHPUT * median(rates["direct"]) for name in KINDS)


@contextmanager
def _served(name: str, folder: Path, python: str) -> Iterator[int]:
    with create_listener(HOST, 0) as public:
        if name == "direct":
            port = next_free_port(HOST, 42000)
            assert port is not None
            words = [python, "-m", *UVICORN.split(), "--port", str(port)]
            with ended(spawn(words, [], environment=base_environment(), cwd=folder)):
                _wait_until_listening(port)
                yield port
            return
        if name == DELAYED:
            public.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        instance = KINDS["uvicorn by its option" if name == DELAYED else name](folder, python, public)
        try:
            yield port_of(public)
        finally:
            instance.retire()


def _served_cpu_s(port: int) -> float:
    """Return the processor time of whoever listens on a port, but for this process, which holds the listener."""
    pids = {holder.pid for holder in port_holders(port)} - {os.getpid(), None}
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    # Fields 14 and 15 of proc(5): user and system time in clock ticks.
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def _wait_until_listening(port: int) -> None:
    give_up = time.monotonic() + LIMIT_S
    while not port_holders(port):
        assert time.monotonic() < give_up, "uvicorn does not listen"
        os.sched_yield()


async def _swapped(kind: Kind, folder: Path, python: str, swaps: int, connections: int) -> Tally:
    with create_listener(HOST, 0) as public:
        current = await asyncio.to_thread(kind, folder, python, public)
        load = Load(port_of(public), connections=connections, think_s=THINK_S)
        callers = asyncio.create_task(load.run())
        for _ in range(swaps):
            # Load between swaps, as there is during a soak.
            await asyncio.sleep(0.5)
            candidate = await asyncio.to_thread(kind, folder, python, public)
            await asyncio.to_thread(current.retire)
            current = candidate
        load.stop()
        await callers
        await asyncio.to_thread(current.retire)
        return load.tally


def swaps(folder: Path, python: str, count: int, connections: int) -> bool:
    """Count what fails while instances are swapped under load."""
    fine = True
    print("| hand-over | swaps | requests | failed | p50 ms | p99 ms | longest ms |\n" + "| --- " * 7 + "|")
    for name, kind in KINDS.items():
        tally = asyncio.run(_swapped(kind, folder, python, count, connections))
        p50, p99, longest = (tally.percentile_ms(share) for share in (0.5, 0.99, 1.0))
        print(f"| {name} | {count} | {tally.total:,} | {len(tally.failures)} | {p50:.1f} | {p99:.1f} | {longest:.1f} |")
        for failure in tally.failures[:3]:
            print(f"  {failure}")
        fine &= len(tally.failures) <= WANTED_FAILED * tally.total and p99 <= WANTED_P99_MS
    return fine


def main() -> int:
    """Print both tables; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="what a hand-over costs")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--swaps", type=int, default=8)
    parser.add_argument("--connections", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "served.py").write_text(APP)
        (folder / "program.py").write_text(PROGRAM)
        fine = throughput(folder, chosen.python, chosen.rounds, chosen.seconds, chosen.connections)
        print()
        fine &= swaps(folder, chosen.python, chosen.swaps, chosen.connections)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
