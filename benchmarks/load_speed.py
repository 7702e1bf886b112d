"""What the load engine costs beside other load generators, in the same run.

    python -m benchmarks.load_speed [--url URL] [--rounds 5] [--seconds 3]

Without a URL a server in Python answers at once; it is slower than the clients, so requests/s say little then: give
the URL of a fast server (nginx) for these. CPU is user and system time of the client's processes: of all of it for the
peers, of the measured part for Sophia, whose workers also report how long they waited for a core. A tool that is not
installed is left out and named. Figures are medians of the rounds, which take turns.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.load_accuracy import load
from benchmarks.load_servers import running


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run came to."""

    requests: float
    cpu_us: float
    per_second: float


def sophia(url: str, connections: int, seconds: float) -> Cost:
    """Measure a closed loop of the engine."""
    found = load(url, connections, None, seconds)
    answers = max(1, found.latencies.total)
    return Cost(answers, found.cpu_s * 1e6 / answers, found.answered / found.measured_s)


def peer(words: list[str], count: str) -> Cost | None:
    """Run another tool; `count` finds the number of requests in what it prints. None when it prints none."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = os.times().elapsed
    text = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120).stdout
    took = os.times().elapsed - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    match = re.search(count, text)
    if match is None:
        print(f"{words[0]} printed no number of requests: left out")
        return None
    requests = float(match.group(1))
    return Cost(requests, cpu * 1e6 / max(1.0, requests), requests / took)


def tools(url: str, connections: int, seconds: float) -> dict[str, Callable[[], Cost | None]]:
    """Return the tools that are installed, Sophia first."""
    span, many = f"{seconds:g}s", str(connections)
    peers = {
        "wrk": (["wrk", "-t1", f"-c{many}", f"-d{span}", url], r"(\d+) requests in"),
        "hey": (["hey", "-c", many, "-z", span, url], r"\[200\]\s+(\d+) responses"),
        "ab": (
            ["ab", "-q", "-k", "-c", many, "-t", f"{seconds:g}", "-n", "9999999", url],
            r"Complete requests:\s+(\d+)",
        ),
        "h2load": (
            ["h2load", "--h1", "-t1", f"-c{many}", f"-D{seconds:g}", url],
            r"requests: \d+ total, \d+ started, (\d+) done",
        ),
    }
    found: dict[str, Callable[[], Cost | None]] = {"sophia": lambda: sophia(url, connections, seconds)}
    for name, (words, count) in peers.items():
        if shutil.which(name) is None:
            print(f"{name} is not installed (Debian has it): left out")
            continue
        found[name] = partial(peer, words, count)
    return found


def main() -> int:
    """Measure with 20 and with 100 connections and print the tables."""
    parser = argparse.ArgumentParser(description="load generators compared")
    parser.add_argument("--url")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    with ExitStack() as stack:
        url = options.url or stack.enter_context(running("fast"))
        for connections in (20, 100):
            _report(tools(url, connections, options.seconds), connections, options.rounds)
    return 0


def _report(measured: dict[str, Callable[[], Cost | None]], connections: int, rounds: int) -> None:
    costs: dict[str, list[Cost]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, run in measured.items():
            cost = run()
            if cost is not None:
                costs[name].append(cost)
    base = costs.get("wrk", costs["sophia"])
    print(f"\n{connections} connections, medians of {rounds}")
    print(f"{'':<8} {'cpu us/request':>15} {'x wrk':>7} {'requests/s':>12} {'x wrk':>7}")
    for name, found in costs.items():
        if not found:
            continue
        cpu, rate = median(c.cpu_us for c in found), median(c.per_second for c in found)
        base_cpu, base_rate = median(c.cpu_us for c in base), median(c.per_second for c in base)
        print(f"{name:<8} {cpu:>15.2f} {cpu / base_cpu:>7.2f} {rate:>12,.0f} {rate / base_rate:>7.2f}")


if __name__ == "__main__":
    sys.exit(main())
