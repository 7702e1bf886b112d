"""The whole table of what is wanted of deployments and of the agent, measured in one run.

    python -m benchmarks.deploy_table [--peers FOLDER] [--short]

`sh benchmarks/deploy_peers.sh FOLDER` installs the others. Every part is a command of its own too
(`python -m benchmarks.deploy_swaps` and so on), with more options. Takes about ten minutes; `--short` only shows in one
that everything runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    deploy_agent_kill,
    deploy_broken,
    deploy_five,
    deploy_idle,
    deploy_recovery,
    deploy_swaps,
    deploy_throughput,
    strict_swaps,
)
from benchmarks.deploy_harness import Framework, Row, finish, table


def measure(programs: Path | None, *, is_short: bool) -> list[Row]:
    """Return all rows; each part is printed as soon as it is there."""
    both = (Framework.PLAIN,) if is_short else tuple(Framework)
    parts: list[Callable[[], list[Row]]] = [
        lambda: deploy_swaps.measure(programs, *((1, 200, 8) if is_short else (8, 19_300, 50))),
        lambda: deploy_broken.measure(*((1, 4) if is_short else (5, 20))),
        lambda: deploy_agent_kill.measure(*((1, 5) if is_short else (5, 20))),
        lambda: deploy_throughput.measure(*((1, 1, 4) if is_short else (7, 3, 50))),
        lambda: strict_swaps.measure(*((2, 200, 8, 1, 1) if is_short else (100, 100_000, 50, 7, 3))),
        lambda: deploy_idle.measure(programs, 0.5 if is_short else 60.0, Framework.PLAIN),
    ]
    for framework in both:
        parts.append(lambda one=framework: deploy_recovery.measure(programs, 1 if is_short else 7, one, 20))  # type: ignore[misc]  # a default in a lambda
        parts.append(lambda one=framework: deploy_five.measure(programs, 1 if is_short else 5, one))  # type: ignore[misc]  # a default in a lambda
    rows: list[Row] = []
    for part in parts:
        found = part()
        print(table(found), flush=True)
        rows += found
    return rows


def main() -> int:
    """Print the parts and then the whole table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="deployments and the agent, measured")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--short", action="store_true")
    chosen = parser.parse_args()
    rows = measure(chosen.peers, is_short=chosen.short)
    print()
    finish(rows)
    return 1 if not chosen.short and any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
