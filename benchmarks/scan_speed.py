"""How long a scan takes: cold (of syntax) against `python -m compileall`, warm (of all) against a warm `ruff check`.

    python -m benchmarks.scan_speed [REPOSITORY]

Measures a copy of the repository, or 700 files of the interpreter's own library. The peers run in turn with Sophia, so
that what else the machine does falls on all; figures are medians, ratios are of medians.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.scan_project import SOPHIA, Cost, copy_of, forget_cache, library_project, measure


def main() -> int:
    parser = argparse.ArgumentParser(description="scan speed against compileall and ruff")
    parser.add_argument("repository", nargs="?", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "project"
        if options.repository is None:
            library_project(root, files=700)
        else:
            copy_of(options.repository, root)
        _report(root, options.repeats)
    return 0


def _report(root: Path, repeats: int) -> None:
    compileall = (sys.executable, "-m", "compileall", "-q", "-f", ".")
    ruff = (shutil.which("ruff") or "ruff", "check", "--select", "E9", "-q", ".")
    scan = (*SOPHIA, "scan", "-q", "--select", "SPH1", ".")
    full = (*SOPHIA, "scan", "-q", ".")
    cold: list[Cost] = []
    full_cold: list[Cost] = []
    compiled: list[Cost] = []
    for _ in range(repeats):
        compiled.append(measure(compileall, root))
        forget_cache(root)
        cold.append(measure(scan, root))
        forget_cache(root)
        full_cold.append(measure(full, root))
    warm: list[Cost] = []
    checked: list[Cost] = []
    measure(ruff, root)
    measure(full, root)
    for _ in range(repeats):
        checked.append(measure(ruff, root))
        warm.append(measure(full, root))
    files = sum(1 for _ in root.rglob("*.py"))
    _line(f"{files} files, medians of {repeats}", "wall s", "cpu s")
    for name, costs in (
        ("compileall -f", compiled),
        ("scan of syntax, cold", cold),
        ("scan, cold", full_cold),
        ("ruff, warm", checked),
        ("scan, warm", warm),
    ):
        _line(name, f"{median(cost.wall_s for cost in costs):.3f}", f"{median(cost.cpu_s for cost in costs):.3f}")
    cold_ratio = median(cost.cpu_s for cost in cold) / median(cost.cpu_s for cost in compiled)
    warm_ratio = median(cost.wall_s for cost in warm) / median(cost.wall_s for cost in checked)
    _line("cold scan of syntax / compileall", f"{cold_ratio:.2f} x", "cpu, wanted <= 3")
    _line("warm scan / warm ruff, wall", f"{warm_ratio:.2f} x", "wanted <= 5")


def _line(name: str, first: str, second: str) -> None:
    sys.stdout.write(f"{name:32} {first:>10} {second:>14}\n")


if __name__ == "__main__":
    sys.exit(main())
