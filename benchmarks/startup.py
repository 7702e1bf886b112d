"""How long starting the CLI takes, as ratios to a bare `python -c pass` in the same run.

Run it with `python benchmarks/startup.py [ROUNDS]` (25 rounds unless said otherwise), in an environment with sophia
installed. Every round runs every command once, in turn, so that a slow moment of the machine meets all of them; the
figures are medians, of wall time and of processor time; the latter is steadier on a busy machine. Exits with 1 when
`sophia --help` costs more than 4 bare starts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

LIMIT = 4.0
SOPHIA = str(Path(sys.executable).with_name("sophia"))
COMMANDS: dict[str, list[str]] = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import typer'": [sys.executable, "-c", "import typer"],
    "sophia --help": [SOPHIA, "--help"],
    "sophia --version": [SOPHIA, "--version"],
    "sophia scan --help": [SOPHIA, "scan", "--help"],
    "sophia fix --help": [SOPHIA, "fix", "--help"],
    "sophia rules": [SOPHIA, "rules"],
    "sophia undo --list": [SOPHIA, "undo", "--list"],
    "sophia doctor": [SOPHIA, "doctor"],
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run costs in milliseconds: on the wall, and on the processor (user and system)."""

    wall: float
    cpu: float


def run_once(words: list[str], folder: str) -> Cost:
    """Run a command to its end and return what it cost."""
    started = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def main(rounds: int) -> int:
    """Measure, print a table, return 1 when the limit is passed."""
    samples: dict[str, list[Cost]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for words in COMMANDS.values():
            run_once(words, folder)
        for _ in range(rounds):
            for name, words in COMMANDS.items():
                samples[name].append(run_once(words, folder))
    medians = {
        name: Cost(statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs))
        for name, costs in samples.items()
    }
    bare = medians["python -c pass"]
    lines = [f"{'command':<26} {'wall ms':>8} {'ratio':>6} {'cpu ms':>8} {'ratio':>6}"]
    lines += [
        f"{name:<26} {cost.wall:>8.1f} {cost.wall / bare.wall:>6.2f} {cost.cpu:>8.1f} {cost.cpu / bare.cpu:>6.2f}"
        for name, cost in medians.items()
    ]
    ratio = medians["sophia --help"].wall / bare.wall
    lines.append(f"sophia --help costs {ratio:.2f} bare starts; the limit is {LIMIT:g} ({rounds} rounds)")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 25))
