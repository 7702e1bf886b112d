"""What callers notice while a service is replaced: by `sophia deploy` and `sophia restart`, and by others' restarts.

    python -m benchmarks.deploy_swaps [--peers FOLDER] [--swaps 8] [--requests 19300] [--connections 50]

Callers in a closed loop, half of them on kept connections, half with a connection for each request. Swaps go on until
there were as many requests as wanted; every second one is a deployment of a changed version, the others are restarts.
supervisord and pm2 restart once: they stop the old process before they start the other. By hand means that a second
`uvicorn --fd` inherits the socket and the first one gets a SIGTERM once the second one serves.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_longlong
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.deploy_harness import HOST, LIMIT_S, Row, Served, Shop, all_answer, eventually, finish, temporary_shop
from benchmarks.deploy_peers import Pm2, Supervisord, installed_peers
from benchmarks.handover_instances import Load, Tally, base_environment, spawn
from sophia_cli.project.host.sockets import create_listener, port_of

WANTED_FAILED = 0.0001
WANTED_P99_MS = 30.0
# Callers think between requests: a loop that fills a processor would measure the callers.
THINK_S = 0.02
BETWEEN_S = 0.3
_COUNT_S = 0.02
# How many of the requests are made before the first swap, to know what the machine itself does to them: a quarter.
CALM_SHARE = 4


class Calls:
    """Callers in a process of their own: nothing that this one does, such as starting others, is to hold them up."""

    def __init__(self, port: int, connections: int) -> None:
        here = multiprocessing.get_context("fork")
        self._total = here.Value("q", 0, lock=False)
        self._connection, other = here.Pipe()
        load = Load(port, connections=connections, think_s=THINK_S)
        self._process = here.Process(target=_call, args=(load, other, self._connection, self._total), daemon=True)
        self._process.start()
        other.close()
        self.tally = Tally()

    @property
    def total(self) -> int:
        """How many requests were made until now."""
        return int(self._total.value)

    def end(self) -> None:
        """End the callers; the tally is whole then."""
        self._connection.send(None)
        assert self._connection.poll(LIMIT_S), "the callers do not come to an end"
        self.tally = self._connection.recv()
        self._process.join()


def _call(load: Load, connection: Connection, others: Connection, total: c_longlong) -> None:
    # Whoever started us may be killed; then that is the end here, too.
    others.close()
    # The callers are not to stand still to look for garbage in what this program consists of.
    gc.collect()
    gc.freeze()
    asyncio.run(_run(load, connection, total))
    connection.send(load.tally)


async def _run(load: Load, connection: Connection, total: c_longlong) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_reader(connection.fileno())
        load.stop()

    loop.add_reader(connection.fileno(), stop)
    running = asyncio.create_task(load.run())
    while not (await asyncio.wait([running], timeout=_COUNT_S))[0]:
        total.value = load.tally.total
    await running


@contextmanager
def under_load(port: int, connections: int) -> Iterator[Calls]:
    """Load a port while the block runs."""
    calls = Calls(port, connections)
    try:
        yield calls
    finally:
        calls.end()


def calm_load(shop: Shop, requests: int, connections: int) -> Tally:
    """Return what callers see while nothing is swapped, in a share of the requests: what the machine itself does."""
    with under_load(shop.services[0].port, connections) as calm:
        eventually(lambda: calm.total >= requests // CALM_SHARE, 10 * LIMIT_S)
    return calm.tally


def swapped_by_sophia(swaps: int, requests: int, connections: int) -> tuple[Tally, Tally]:
    """Swap a service by deployments and restarts; returns what callers saw, before and during the swaps."""
    with temporary_shop(1) as shop:
        # The drain must outlast the callers that keep connections, as it does with the usual settings.
        shop.settings('soak = "0s"')
        shop.sophia("deploy", "--quiet")
        all_answer(shop.services)
        calm = calm_load(shop, requests, connections)
        tally, _ = swap_under_load(shop, swaps, requests, connections)
        return calm, tally


def swap_under_load(shop: Shop, swaps: int, requests: int, connections: int) -> tuple[Tally, int]:
    """Swap the first service of a project as often as wanted, at least until callers made so many requests."""
    with under_load(shop.services[0].port, connections) as calls:
        done = 0
        while done < swaps or calls.total < requests:
            # Load between swaps, as there is during a soak.
            time.sleep(BETWEEN_S)
            if done < swaps:
                if done % 2:
                    shop.sophia("restart", "service0", "--quiet")
                else:
                    shop.write_version(0, done + 2)
                    shop.sophia("deploy", "--quiet")
                done += 1
    return calls.tally, done


def swapped_by_hand(swaps: int, connections: int) -> Tally:
    """Swap processes that inherit a socket, without any supervisor."""
    with temporary_shop(1) as shop, create_listener(HOST, 0) as public:
        current = _inheriting(shop, public)
        with under_load(port_of(public), connections) as calls:
            for _ in range(swaps):
                time.sleep(BETWEEN_S)
                candidate = _inheriting(shop, public)
                _retire(current, signal.SIGTERM)
                current = candidate
        _retire(current, signal.SIGKILL)
        return calls.tally


def _inheriting(shop: Shop, public: socket.socket) -> subprocess.Popen[bytes]:
    words = [*shop.services[0].words[:4], "--fd", "3", "--no-access-log"]
    process = spawn(words, [public], environment=base_environment(), cwd=shop.root)
    # It says so on its log when it has started.
    assert process.stdout is not None
    while b"running on" not in (line := process.stdout.readline()):
        assert line, "uvicorn ended"
    return process


def _retire(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    # It writes a few lines at its end, which fit into the pipe.
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def restarted_by_peer(restart: Callable[[Served], None], service: Served, connections: int) -> Tally:
    """Have another supervisor restart a service once."""
    with under_load(service.port, connections) as calls:
        time.sleep(BETWEEN_S)
        restart(service)
        all_answer((service,))
        time.sleep(BETWEEN_S)
    return calls.tally


def measure(programs: Path | None, swaps: int, requests: int, connections: int) -> list[Row]:
    """Return the rows of swaps under load."""
    calm, tally = swapped_by_sophia(swaps, requests, connections)
    rows = [_row("the same callers without any swap", calm, is_ours=False)]
    rows.append(_row(f"sophia: {swaps} swaps", tally, is_ours=True))
    rows.append(_row(f"`uvicorn --fd` by hand: {swaps} swaps", swapped_by_hand(swaps, connections), is_ours=False))
    for kind in installed_peers(programs):
        if kind not in (Supervisord, Pm2):
            continue
        assert programs is not None, "a peer was found in the folder"
        with temporary_shop(1) as shop, kind(programs, shop.root / "supervisor", shop.services) as supervisor:
            all_answer(shop.services)
            seen = restarted_by_peer(supervisor.restart, shop.services[0], connections)
        rows.append(_row(f"{kind.name}: one restart", seen, is_ours=False))
    return rows


def _row(what: str, tally: Tally, *, is_ours: bool) -> Row:
    refused = sum(failure.startswith("ConnectionRefused") for failure in tally.failures)
    p99 = tally.percentile_ms(0.99) if tally.latencies_s else 0.0
    longest = tally.percentile_ms(1.0) if tally.latencies_s else 0.0
    seen = f"{len(tally.failures)} of {tally.total:,} failed, {refused} refused"
    text = f"{seen}, p99 {p99:.1f} ms, longest {longest:.0f} ms"
    for failure in sorted(set(tally.failures))[:3]:
        print(f"{what}: {tally.failures.count(failure)} x {failure}")
    if not is_ours:
        return Row(what, "", text, None)
    few = len(tally.failures) <= WANTED_FAILED * tally.total
    is_met = few and refused == 0 and p99 <= WANTED_P99_MS
    return Row(what, f"<= {WANTED_FAILED:.2%} failed, 0 refused, p99 <= {WANTED_P99_MS:.0f} ms", text, is_met)


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="services swapped under load")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--swaps", type=int, default=8)
    parser.add_argument("--requests", type=int, default=19_300)
    parser.add_argument("--connections", type=int, default=50)
    chosen = parser.parse_args()
    return finish(measure(chosen.peers, chosen.swaps, chosen.requests, chosen.connections))


if __name__ == "__main__":
    sys.exit(main())
