"""How much memory a cold scan of 286,000 lines takes: its largest process, children included.

python -m benchmarks.scan_memory [--lines N]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.scan_project import SOPHIA, forget_cache, library_project, measure


def main() -> int:
    parser = argparse.ArgumentParser(description="memory of a cold scan")
    parser.add_argument("--lines", type=int, default=286_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        lines = library_project(root, lines=options.lines)
        costs = []
        for _ in range(options.repeats):
            forget_cache(root)
            costs.append(measure((*SOPHIA, "scan", "-q", "."), root))
    largest = max(cost.largest_mb for cost in costs)
    seconds = median(cost.wall_s for cost in costs)
    sys.stdout.write(f"{lines} lines: largest process {largest:.0f} MB (wanted <= 200), {seconds:.2f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
