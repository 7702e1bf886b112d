"""How much processor time a full scan takes beside type checkers and a dependency checker, in one run.

    python -m benchmarks.scan_peers [REPOSITORY] [--peers FOLDER] [--repeats 5]

Measures a copy of the repository, or 700 files of the interpreter's own library. FOLDER holds the peers' executables
(`ty`, `basedpyright`, `pyrefly`, `deptry`); without it they are looked for on PATH. A peer that is not there is said so
and left out. All run in turn, so that what else the machine does falls on all; figures are medians, ratios of medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.scan_project import SOPHIA, Cost, copy_of, forget_cache, library_project, measure

_PEERS = {
    "ty": ("ty", "check", "-q", "--exit-zero"),
    "pyrefly": ("pyrefly", "check", "--summary=none"),
    "deptry": ("deptry", "."),
    "basedpyright": ("basedpyright",),
}
_WANTED = {"ty": 1.0, "basedpyright": 0.1}


def main() -> int:
    parser = argparse.ArgumentParser(description="processor time of a full scan beside type checkers")
    parser.add_argument("repository", nargs="?", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "project"
        if options.repository is None:
            library_project(root, files=700)
        else:
            copy_of(options.repository, root)
        _report(root, options.repeats, _found(options.peers))
    return 0


def _found(folder: Path | None) -> dict[str, tuple[str, ...]]:
    """Return the command lines of the peers that are there."""
    found = {}
    search = os.environ.get("PATH", "") if folder is None else str(folder)
    for name, (executable, *arguments) in _PEERS.items():
        place = shutil.which(executable, path=search)
        if place is None:
            sys.stdout.write(f"{name} is left out: it is not installed\n")
        else:
            found[name] = (place, *arguments)
    return found


def _report(root: Path, repeats: int, peers: dict[str, tuple[str, ...]]) -> None:
    scan = (*SOPHIA, "scan", "-q", ".")
    costs: dict[str, list[Cost]] = {name: [] for name in ("scan, cold", "scan, warm", *peers)}
    measure(scan, root)
    for _ in range(repeats):
        forget_cache(root)
        costs["scan, cold"].append(measure(scan, root))
        costs["scan, warm"].append(measure(scan, root))
        for name, command in peers.items():
            costs[name].append(measure(command, root))
    cpu = {name: median(cost.cpu_s for cost in measured) for name, measured in costs.items()}
    sys.stdout.write(f"{'':16} {'wall s':>8} {'cpu s':>8}  cold scan / it, cpu\n")
    for name, measured in costs.items():
        wall = median(cost.wall_s for cost in measured)
        ratio = f"{cpu['scan, cold'] / cpu[name]:6.2f} x" if name in peers else ""
        wanted = f", wanted <= {_WANTED[name]:g}" if name in _WANTED else ""
        sys.stdout.write(f"{name:16} {wall:8.2f} {cpu[name]:8.2f}  {ratio}{wanted}\n")


if __name__ == "__main__":
    sys.exit(main())
