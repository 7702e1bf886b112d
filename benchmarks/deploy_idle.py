"""What an idle agent costs that looks after five services: memory and processor time, beside other supervisors.

    python -m benchmarks.deploy_idle [--peers FOLDER] [--seconds 60] [--framework plain|fastapi]

Memory is the proportional set size: pages that processes share count by their part, so each supervisor is looked at
alone with its own five services, of the same interpreter. Processor time comes from the scheduler, in nanoseconds; for
that all run at the same time. Sophia is there twice: with the readiness and liveness probes that the guide shows, and
without any.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.deploy_harness import Framework, Row, all_answer, finish, temporary_shop
from benchmarks.deploy_peers import Supervisor, installed_peers

WANTED_MB = 20.0
WANTED_CPU = 0.1
# An agent that has just deployed is not idle yet.
SETTLE_S = 5.0
PROBES = (
    'soak = "0s"',
    'readiness = { http = "/ready" }',
    'liveness = { http = "/" }',
)


def pss_mb(pid: int) -> float:
    """Return the memory of a process in MB of 1024 x 1024 bytes."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    match = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert match is not None, "the kernel tells it"
    return int(match.group(1)) / 1024


def cpu_s(pid: int) -> float:
    """Return the processor time of all threads of a process in seconds."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def measure(programs: Path | None, seconds: float, framework: Framework) -> list[Row]:
    """Return the rows of idle supervisors."""
    ways: dict[str, Callable[[ExitStack], tuple[int, ...]]] = {
        "sophia": lambda stack: _deployed(stack, framework, PROBES[:1]),
        "sophia, with probes": lambda stack: _deployed(stack, framework, PROBES),
    }
    for kind in installed_peers(programs):
        assert programs is not None, "a peer was found in the folder"
        ways[kind.name] = partial(_supervised, kind=kind, programs=programs, framework=framework)
    settle_s = min(SETTLE_S, seconds)
    memory: dict[str, float] = {}
    for name, way in ways.items():
        with ExitStack() as stack:
            own = way(stack)
            time.sleep(settle_s)
            memory[name] = sum(pss_mb(pid) for pid in own)
    with ExitStack() as stack:
        pids = {name: way(stack) for name, way in ways.items()}
        time.sleep(settle_s)
        before = {name: sum(cpu_s(pid) for pid in own) for name, own in pids.items()}
        began = time.perf_counter()
        time.sleep(seconds)
        took = time.perf_counter() - began
        shares = {name: 100 * (sum(cpu_s(pid) for pid in own) - before[name]) / took for name, own in pids.items()}
    rows: list[Row] = []
    for name, share in shares.items():
        is_ours = name.startswith("sophia")
        rows.append(
            Row(
                f"{name}: idle with five services, for {seconds:.0f} s",
                f"<= {WANTED_MB:.0f} MB, <= {WANTED_CPU} %" if is_ours else "",
                f"{memory[name]:.1f} MB, {share:.3f} % of a processor",
                memory[name] <= WANTED_MB and share <= WANTED_CPU if is_ours else None,
            )
        )
    return rows


def _deployed(stack: ExitStack, framework: Framework, lines: Sequence[str]) -> tuple[int, ...]:
    shop = stack.enter_context(temporary_shop(5, framework))
    shop.settings(*lines)
    shop.sophia("deploy", "--quiet")
    all_answer(shop.services)
    return (shop.agent_pid(),)


def _supervised(stack: ExitStack, kind: type[Supervisor], programs: Path, framework: Framework) -> tuple[int, ...]:
    other = stack.enter_context(temporary_shop(5, framework))
    supervisor = stack.enter_context(kind(programs, other.root / "supervisor", other.services))
    all_answer(other.services)
    return supervisor.pids


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="an idle agent")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--framework", type=Framework, default=Framework.PLAIN)
    chosen = parser.parse_args()
    return finish(measure(chosen.peers, chosen.seconds, chosen.framework))


if __name__ == "__main__":
    sys.exit(main())
