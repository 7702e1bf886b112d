"""How long a service that was killed is away, beside its bare start, and what happens to those who call meanwhile.

    python -m benchmarks.deploy_recovery [--peers FOLDER] [--rounds 7] [--framework plain|fastapi] [--callers 20]

A service is ended with SIGKILL; measured until another process gives a good answer. The bare start is that of the same
command, started by nobody. Rounds take turns; ratios are of medians. Callers connect once the process is dead and
before another one answers; each has one try, and what it gets is counted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.deploy_harness import (
    Answer,
    Framework,
    Raw,
    Row,
    Served,
    all_answer,
    answered_by_other,
    ask,
    ask_or_none,
    eventually,
    finish,
    temporary_shop,
)
from benchmarks.deploy_peers import installed_peers

WANTED = 1.15
# The first restart comes at once; many close to one another are a crash loop, here they are the measurement.
SETTINGS = ('soak = "0s"', 'restart = { max_restarts = 1000, backoff = "1ms", max_backoff = "1ms" }')


class Callers:
    """Callers of one try each, begun together; `answered` and `failures` once they are joined."""

    def __init__(self, port: int, count: int) -> None:
        self.answered: list[Answer] = []
        self.failures: list[str] = []
        self._port = port
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _call(self) -> None:
        try:
            self.answered.append(ask(self._port))
        except OSError as error:
            self.failures.append(type(error).__name__)

    def join(self) -> None:
        """Wait for all of them."""
        for thread in self._threads:
            thread.join()


def killed(service: Served) -> float:
    """End the process that answers and return the seconds until another one does."""
    old = eventually(lambda: ask_or_none(service.port)).pid
    began = time.perf_counter()
    os.kill(old, signal.SIGKILL)
    answered_by_other(service.port, old)
    return time.perf_counter() - began


def killed_under_callers(service: Served, count: int) -> Callers:
    """End the process that answers and return what those got who called while nobody answered."""
    old = eventually(lambda: ask_or_none(service.port)).pid
    os.kill(old, signal.SIGKILL)
    eventually(lambda: not _runs(old))
    callers = Callers(service.port, count)
    answered_by_other(service.port, old)
    callers.join()
    return callers


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def bare_start(service: Served) -> float:
    """Return the seconds until a service answers that nobody supervises."""
    began = time.perf_counter()
    with Raw((service,)):
        eventually(lambda: ask_or_none(service.port))
        return time.perf_counter() - began


def measure(programs: Path | None, rounds: int, framework: Framework, callers: int) -> list[Row]:
    """Return the rows of restarts after a kill."""
    kinds = installed_peers(programs)
    seconds: dict[str, list[float]] = {}
    tallies: dict[str, Callers] = {}
    with ExitStack() as stack:
        # Every supervisor has a shop of its own, so that all are up all the time.
        bare = stack.enter_context(temporary_shop(1, framework)).services[0]
        bare_start(bare)
        shop = stack.enter_context(temporary_shop(1, framework))
        shop.settings(*SETTINGS)
        shop.sophia("deploy", "--quiet")
        ways: dict[str, Callable[[], float]] = {"by hand": lambda: bare_start(bare)}
        served = {"sophia": shop.services[0]}
        for kind in kinds:
            assert programs is not None, "a peer was found in the folder"
            other = stack.enter_context(temporary_shop(1, framework))
            stack.enter_context(kind(programs, other.root / "supervisor", other.services))
            served[kind.name] = other.services[0]
            all_answer(other.services)
        for name, service in served.items():
            ways[name] = lambda service=service: killed(service)  # type: ignore[misc]  # a default in a lambda
        for _ in range(rounds):
            for name, way in ways.items():
                seconds.setdefault(name, []).append(way())
        for name, service in served.items():
            tallies[name] = killed_under_callers(service, callers)
    start = median(seconds["by hand"])
    rows = [Row(f"bare start of a {framework.value} service", "", f"{1000 * start:.0f} ms", None)]
    for name, found in seconds.items():
        if name == "by hand":
            continue
        ratio, tally = median(found) / start, tallies[name]
        is_ours = name == "sophia"
        text = f"{ratio:.2f} x ({1000 * median(found):.0f} ms)"
        rows.append(
            Row(
                f"{name}: kill -9 to the first good answer",
                f"<= {WANTED} x" if is_ours else "",
                text,
                ratio <= WANTED if is_ours else None,
            )
        )
        text = f"{len(tally.answered)} of {callers} got 200{_told(tally.failures)}"
        wanted = f"{callers} of {callers}" if is_ours else ""
        rows.append(Row(f"{name}: callers in the outage", wanted, text, not tally.failures if is_ours else None))
    return rows


def _told(failures: list[str]) -> str:
    return "".join(f", {failures.count(kind)} {kind}" for kind in sorted(set(failures)))


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="a killed service comes back")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--framework", type=Framework, default=Framework.PLAIN)
    parser.add_argument("--callers", type=int, default=20)
    chosen = parser.parse_args()
    return finish(measure(chosen.peers, chosen.rounds, chosen.framework, chosen.callers))


if __name__ == "__main__":
    sys.exit(main())
