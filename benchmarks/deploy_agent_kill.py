"""What happens when the agent itself is killed: whether its services go on, and how soon the next one has them.

    python -m benchmarks.deploy_agent_kill [--rounds 5] [--connections 20]

The agent of five services is ended with SIGKILL under load; then `sophia agent start`. Measured from its start until
it has returned, which it does once the next agent has adopted what runs; the pids must be those of before. That agent
must have the listeners, too: a service is then killed, and callers who come meanwhile must be answered.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack
from statistics import median

from benchmarks.deploy_harness import Row, all_answer, finish, temporary_shop
from benchmarks.deploy_recovery import killed_under_callers
from benchmarks.deploy_swaps import under_load

WANTED_S = 1.0
CALLERS = 20


def measure(rounds: int, connections: int) -> list[Row]:
    """Return the rows of killed agents."""
    seconds: list[float] = []
    with temporary_shop(5) as shop, ExitStack() as loads:
        shop.settings('soak = "0s"', "restart = { max_restarts = 1000 }")
        shop.sophia("deploy", "--quiet")
        all_answer(shop.services)
        pids = shop.pids()
        each = max(1, connections // len(shop.services))
        calls = [loads.enter_context(under_load(service.port, each)) for service in shop.services]
        same = 0
        for _ in range(rounds):
            os.kill(shop.agent_pid(), signal.SIGKILL)
            began = time.perf_counter()
            shop.sophia("agent", "start")
            seconds.append(time.perf_counter() - began)
            same += shop.pids() == pids
        loads.close()
        callers = killed_under_callers(shop.services[0], CALLERS)
    tallies = [one.tally for one in calls]
    total, failed = sum(tally.total for tally in tallies), sum(len(tally.failures) for tally in tallies)
    took = median(seconds)
    return [
        Row(
            f"kill -9 of the agent, {rounds} times: the next one has the services",
            f"same pids, <= {WANTED_S:.0f} s, 0 failed",
            f"same pids {same} of {rounds} times, {took:.2f} s, {failed} of {total:,} requests failed",
            same == rounds and took <= WANTED_S and failed == 0,
        ),
        Row(
            "a service killed under the next agent: callers in the outage",
            f"{CALLERS} of {CALLERS} answered",
            f"{len(callers.answered)} of {CALLERS} answered",
            not callers.failures,
        ),
    ]


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="a killed agent")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=20)
    chosen = parser.parse_args()
    return finish(measure(chosen.rounds, chosen.connections))


if __name__ == "__main__":
    sys.exit(main())
