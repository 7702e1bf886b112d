"""How long a scan takes: cold (of syntax) against `python -m compileall`, warm against a warm `ruff check`, with ruff's
own choice of rules and with those for syntax alone.

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
    ruff = shutil.which("ruff") or "ruff"
    commands = {
        "compileall -f": (sys.executable, "-m", "compileall", "-q", "-f", "."),
        "scan of syntax": (*SOPHIA, "scan", "-q", "--select", "SPH1", "."),
        "scan": (*SOPHIA, "scan", "-q", "."),
        "ruff check": (ruff, "check", "-q", "."),
        "ruff of syntax": (ruff, "check", "--select", "E9", "-q", "."),
    }
    cold: dict[str, list[Cost]] = {name: [] for name in ("compileall -f", "scan of syntax", "scan")}
    warm: dict[str, list[Cost]] = {name: [] for name in ("ruff check", "ruff of syntax", "scan of syntax", "scan")}
    for _ in range(repeats):
        for name, costs in cold.items():
            forget_cache(root)
            costs.append(measure(commands[name], root))
    for name in warm:
        measure(commands[name], root)
    for _ in range(repeats):
        for name, costs in warm.items():
            costs.append(measure(commands[name], root))
    files = sum(1 for _ in root.rglob("*.py"))
    _line(f"{files} files, medians of {repeats}", "wall s", "cpu s")
    for kind, measured in (("cold", cold), ("warm", warm)):
        for name, costs in measured.items():
            _line(f"{name}, {kind}", f"{_wall(costs):.3f}", f"{median(cost.cpu_s for cost in costs):.3f}")
    cold_ratio = median(c.cpu_s for c in cold["scan of syntax"]) / median(c.cpu_s for c in cold["compileall -f"])
    _line("cold scan of syntax / compileall", f"{cold_ratio:.2f} x", "cpu, wanted <= 3")
    for peer in ("ruff check", "ruff of syntax"):
        _line(f"warm scan / {peer}", f"{_wall(warm['scan']) / _wall(warm[peer]):.2f} x", "wall, wanted <= 5")
        ratio = _wall(warm["scan of syntax"]) / _wall(warm[peer])
        _line(f"warm scan of syntax / {peer}", f"{ratio:.2f} x", "wall, wanted <= 5")


def _wall(costs: list[Cost]) -> float:
    return median(cost.wall_s for cost in costs)


def _line(name: str, first: str, second: str) -> None:
    sys.stdout.write(f"{name:38} {first:>10} {second:>14}\n")


if __name__ == "__main__":
    sys.exit(main())
