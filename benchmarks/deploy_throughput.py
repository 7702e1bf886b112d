"""Requests/s of a service that Sophia deployed, beside the same uvicorn that listens by itself.

    python -m benchmarks.deploy_throughput [--rounds 7] [--seconds 3] [--connections 50]

wrk (Debian) has the first processor, the servers the second one. All are up all the time and the order changes from
round to round; the ratio is of medians. The processor time a request tells whether a difference is the server's.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from statistics import median

from benchmarks.deploy_harness import HOST, Raw, Row, all_answer, ask, finish, temporary_shop
from benchmarks.deploy_idle import cpu_s

WANTED = 0.95
DIRECT = "uvicorn that listens by itself"
LAUNCHED = "through Sophia, `app =`"
COMMANDED = "through Sophia, `command =` with uvicorn"


def requests_per_second(port: int, seconds: int, connections: int) -> float:
    """Return what wrk says of a port."""
    words = ("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"http://{HOST}:{port}/")
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=60 + seconds)
    match = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert match is not None, done.stdout
    assert "Non-2xx" not in done.stdout, done.stdout
    return float(match.group(1))


def pin(pid: int, processors: set[int]) -> None:
    """Keep all threads of a process on some processors."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), processors)


def measure(rounds: int, seconds: int, connections: int) -> list[Row]:
    """Return the rows of throughput."""
    if shutil.which("wrk") is None:
        print("wrk is not installed (apt-get install wrk): throughput is left out")
        return []
    processors = sorted(os.sched_getaffinity(0))
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    with temporary_shop(2) as shop, temporary_shop(1) as bare, Raw(bare.services):
        command = f'command = "python -m uvicorn service1.main:app --port {shop.services[1].port} --no-access-log"'
        shop.settings('soak = "0s"')
        settings = shop.root / "sophia.toml"
        settings.write_text(settings.read_text().replace('app = "service1.main:app"', command))
        shop.sophia("deploy", "--quiet")
        all_answer((*shop.services, *bare.services))
        ports = {
            DIRECT: bare.services[0].port,
            LAUNCHED: shop.services[0].port,
            COMMANDED: shop.services[1].port,
        }
        pids = {name: ask(port).pid for name, port in ports.items()}
        try:
            if len(processors) > 1:
                os.sched_setaffinity(0, processors[:1])
                for pid in pids.values():
                    pin(pid, {processors[1]})
            for port in ports.values():
                requests_per_second(port, 1, connections)
            for number in range(rounds):
                names = list(ports)
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    before = cpu_s(pids[name])
                    rate = requests_per_second(ports[name], seconds, connections)
                    rates.setdefault(name, []).append(rate)
                    costs.setdefault(name, []).append(1e6 * (cpu_s(pids[name]) - before) / (rate * seconds))
        finally:
            os.sched_setaffinity(0, processors)
    direct = median(rates[DIRECT])
    rows: list[Row] = []
    for name, found in rates.items():
        ratio = median(found) / direct
        text = f"{ratio:.2f} of it ({median(found):,.0f} requests/s, {median(costs[name]):.0f} us of processor each)"
        is_ours = name != DIRECT
        rows.append(
            Row(f"throughput, {name}", f">= {WANTED}" if is_ours else "", text, ratio >= WANTED if is_ours else None)
        )
    return rows


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="throughput of deployed services")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=50)
    chosen = parser.parse_args()
    return finish(measure(chosen.rounds, chosen.seconds, chosen.connections))


if __name__ == "__main__":
    sys.exit(main())
