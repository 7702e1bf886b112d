"""How the cost of a cold scan grows with the number of lines: processor time per 1,000 lines at three sizes.

python -m benchmarks.scan_growth
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.scan_project import SOPHIA, forget_cache, library_project, measure


def main() -> int:
    parser = argparse.ArgumentParser(description="growth of a cold scan")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[71_500, 143_000, 286_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        roots = {size: Path(scratch) / str(size) for size in options.sizes}
        lines = {size: library_project(root, lines=size) for size, root in roots.items()}
        taken: dict[int, list[float]] = {size: [] for size in roots}
        for _ in range(options.repeats):
            for size, root in roots.items():
                forget_cache(root)
                taken[size].append(measure((*SOPHIA, "scan", "-q", "."), root).cpu_s)
    for size in roots:
        seconds = median(taken[size])
        rate = seconds * 1e6 / lines[size]
        sys.stdout.write(f"{lines[size]:>9} lines  {seconds:7.2f} cpu s  {rate:6.2f} ms per 1,000 lines\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
