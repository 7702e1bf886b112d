"""What the load engine costs beside other load generators, in the same run.

    python -m benchmarks.load_speed [--url URL] [--peers FOLDER] [--rounds 5] [--seconds 3] [--only NAMES]

`sh benchmarks/load_peers.sh FOLDER` installs the others. Without a URL nginx answers, and where there is none a server
in Python, which is slower than the clients, so that requests/s say little. With two processors or more the server has
the second one to itself, and every client the first one. CPU is user and system time of the client's processes: of all
of it for the peers (of the difference of two runs for those that take long to start), of the measured part for Sophia.
Figures are medians of the rounds, which take turns.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.load_accuracy import load
from benchmarks.load_peers import peers
from benchmarks.load_servers import fast_server, pinned

# What Sophia's processor time a request may be of each other's, with 20 connections; wrk also with 100.
WANTED = {"wrk": 1.2, "hey": 1 / 3, "k6": 1 / 4, "locust": 1 / 10, "httpx": 1 / 50}
WANTED_OF_WRK_AT_100 = 1.0
LEAST_RATE_OF_WRK = 0.95


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run came to."""

    requests: float
    cpu_us: float
    per_second: float


@dataclass(frozen=True, slots=True)
class _Run:
    requests: float
    cpu_s: float
    took_s: float


def sophia(url: str, connections: int, seconds: float) -> Cost:
    """Measure a closed loop of the engine."""
    found = load(url, connections, None, seconds)
    answers = max(1, found.latencies.total)
    return Cost(answers, found.cpu_s * 1e6 / answers, found.answered / found.measured_s)


def peer(name: str, url: str, connections: int, seconds: float, environment: Path | None) -> Cost | None:
    """Run another tool; None when it does not say how many requests it made."""
    with tempfile.TemporaryDirectory() as folder:
        known = {one.name: one for one in peers(url, connections, seconds, environment, Path(folder))}
        run = _run(known[name].words, known[name].count)
        short: _Run | None = _Run(0, 0, 0)
        if known[name].starts_slowly:
            before = {one.name: one for one in peers(url, connections, 1, environment, Path(folder))}
            short = _run(before[name].words, known[name].count)
    if run is None or short is None or run.requests <= short.requests:
        print(f"{name} made no run that tells anything: left out")
        return None
    requests = run.requests - short.requests
    return Cost(requests, (run.cpu_s - short.cpu_s) * 1e6 / requests, requests / (run.took_s - short.took_s))


def _run(words: tuple[str, ...], count: str) -> _Run | None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = os.times().elapsed
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
    took = os.times().elapsed - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    match = re.search(count, done.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return None if match is None else _Run(float(match.group(1)), cpu, took)


def tools(
    url: str, connections: int, seconds: float, environment: Path | None, only: set[str]
) -> dict[str, Callable[[], Cost | None]]:
    """Return the tools that are installed, Sophia first."""
    found: dict[str, Callable[[], Cost | None]] = {"sophia": partial(sophia, url, connections, seconds)}
    with tempfile.TemporaryDirectory() as folder:
        names = [one.name for one in peers(url, connections, seconds, environment, Path(folder))]
    for name in names:
        if not only or name in only:
            found[name] = partial(peer, name, url, connections, seconds, environment)
    return found


def main() -> int:
    """Measure with 20 and with 100 connections, print the tables, and return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="load generators compared")
    parser.add_argument("--url")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="", help="names of peers, separated by commas")
    options = parser.parse_args()
    only = {name for name in options.only.split(",") if name}
    fine = True
    with pinned() as processor, fast_server(processor) as own:
        url = options.url or own
        for connections in (20, 100):
            measured = tools(url, connections, options.seconds, options.peers, only)
            fine &= _report(measured, connections, options.rounds)
    return 0 if fine else 1


def _report(measured: dict[str, Callable[[], Cost | None]], connections: int, rounds: int) -> bool:
    costs: dict[str, list[Cost]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, run in measured.items():
            cost = run()
            if cost is not None:
                costs[name].append(cost)
    found = {
        name: (median(c.cpu_us for c in all_), median(c.per_second for c in all_))
        for name, all_ in costs.items()
        if all_
    }
    own_cpu, own_rate = found["sophia"]
    print(f"\n{connections} connections, medians of {rounds}; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{'':<8} {'cpu us/request':>15} {'sophia / it':>12} {'requests/s':>12} {'sophia / it':>12}")
    fine = True
    for name, (cpu, rate) in found.items():
        wanted = WANTED_OF_WRK_AT_100 if name == "wrk" and connections == 100 else WANTED.get(name)
        said = "" if wanted is None else f"  wanted <= {wanted:.3g}" + ("" if own_cpu / cpu <= wanted else ": exceeded")
        fine &= wanted is None or own_cpu / cpu <= wanted
        print(f"{name:<8} {cpu:>15.2f} {own_cpu / cpu:>12.3f} {rate:>12,.0f} {own_rate / rate:>12.2f}{said}")
    if "wrk" in found and own_rate / found["wrk"][1] < LEAST_RATE_OF_WRK:
        print(f"requests/s are under {LEAST_RATE_OF_WRK} x wrk")
        fine = False
    return fine


if __name__ == "__main__":
    sys.exit(main())
