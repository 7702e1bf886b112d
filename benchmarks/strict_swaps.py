"""Strict services: what callers notice of swaps behind HAProxy, and what HAProxy costs.

    python -m benchmarks.strict_swaps [--swaps 100] [--requests 100000] [--connections 50] [--rounds 7] [--seconds 3]
    python -m benchmarks.strict_swaps --short

The swaps are those of `benchmarks.deploy_swaps`: every second one deploys a changed version, the others restart, under
callers of which half keep their connections. The longest gap is the longest time in which none of all callers got a
good answer; beside it stands what the same callers see before the first swap. For throughput wrk and HAProxy (one
thread) share the first processor and uvicorn has the second one; the uvicorn that listens by itself has the second one
too. All are up all the time and take turns; the ratio is of medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from benchmarks.deploy_harness import Raw, Row, Shop, all_answer, ask, finish, temporary_shop
from benchmarks.deploy_swaps import calm_load, swap_under_load
from benchmarks.deploy_throughput import pin, requests_per_second
from benchmarks.handover_instances import Tally
from sophia_cli.agent.proxy.proxy import running_proxies
from sophia_cli.project.host.haproxy import find_haproxy
from sophia_cli.project.host.processes import memory_of

WANTED_GAP_MS = 25.0
WANTED_THROUGHPUT = 0.75


@contextmanager
def strict_shop() -> Iterator[Shop]:
    """A project with one strict service, deployed."""
    with temporary_shop(1) as shop:
        shop.settings('soak = "0s"', "strict = true")
        shop.sophia("deploy", "--quiet")
        all_answer(shop.services)
        yield shop


def proxies(shop: Shop) -> list[int]:
    """Return the process ids of the HAProxies of a project."""
    return [identity.pid for _, identity in running_proxies(shop.root.resolve() / ".sophia" / "run")]


def swaps_rows(swaps: int, requests: int, connections: int) -> list[Row]:
    """Swap a strict service under load; the first row is the same load without any swap."""
    with strict_shop() as shop:
        calm = calm_load(shop, requests, connections)
        tally, done = swap_under_load(shop, swaps, requests, connections)
        kept = sum(memory.pss for pid in proxies(shop) if (memory := memory_of(pid)) is not None)
    for failure in sorted(set(tally.failures))[:5]:
        print(f"{tally.failures.count(failure)} x {failure}")
    is_met = not tally.failures and tally.longest_gap_s * 1000 <= WANTED_GAP_MS
    wanted = f"0 failed, longest gap <= {WANTED_GAP_MS:.0f} ms"
    return [
        Row("strict: the same callers without any swap", "", _seen(calm), None),
        Row(f"strict: {done} swaps", wanted, f"{_seen(tally)}; HAProxy {kept / 1e6:.1f} MB", is_met),
    ]


def _seen(tally: Tally) -> str:
    failed = f"{len(tally.failures)} of {tally.total:,} failed"
    times = ", ".join(f"p{share * 100:g} {tally.percentile_ms(share):.1f} ms" for share in (0.5, 0.99, 1.0))
    gap = f"longest gap {tally.longest_gap_s * 1000:.1f} ms (callers stalled for {tally.longest_stall_s * 1000:.1f})"
    return f"{failed}, {gap}, {times}"


def throughput_row(rounds: int, seconds: int, connections: int) -> Row:
    """Compare a strict service with the same uvicorn that listens by itself."""
    processors = sorted(os.sched_getaffinity(0))
    rates: dict[bool, list[float]] = {True: [], False: []}
    with strict_shop() as shop, temporary_shop(1) as bare, Raw(bare.services):
        all_answer(bare.services)
        ports = {True: shop.services[0].port, False: bare.services[0].port}
        try:
            os.sched_setaffinity(0, processors[:1])
            for port in ports.values():
                pin(ask(port).pid, set(processors[1:2] or processors))
                requests_per_second(port, min(1, seconds), connections)
            for pid in proxies(shop):
                pin(pid, set(processors[:1]))
            for number in range(rounds):
                for is_strict in (True, False) if number % 2 else (False, True):
                    rates[is_strict].append(requests_per_second(ports[is_strict], seconds, connections))
        finally:
            os.sched_setaffinity(0, processors)
    strict, direct = median(rates[True]), median(rates[False])
    text = f"{strict / direct:.2f} of direct ({strict:,.0f} of {direct:,.0f} requests/s)"
    return Row("strict: throughput", f">= {WANTED_THROUGHPUT}", text, strict >= WANTED_THROUGHPUT * direct)


def measure(swaps: int, requests: int, connections: int, rounds: int, seconds: int) -> list[Row]:
    """Return the rows of strict services; none where HAProxy is not installed."""
    if find_haproxy(os.environ) is None:
        print("HAProxy is not installed (apt-get install haproxy): strict services are left out")
        return []
    rows = swaps_rows(swaps, requests, connections)
    if shutil.which("wrk") is None:
        print("wrk is not installed (apt-get install wrk): throughput is left out")
    else:
        rows.append(throughput_row(rounds, seconds, connections))
    return rows


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="strict services swapped under load")
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="only show that everything runs")
    chosen = parser.parse_args()
    if chosen.short:
        return finish(measure(4, 2_000, 8, 1, 1))
    return finish(measure(chosen.swaps, chosen.requests, chosen.connections, chosen.rounds, chosen.seconds))


if __name__ == "__main__":
    sys.exit(main())
