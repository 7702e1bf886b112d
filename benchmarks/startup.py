"""How long starting the CLI takes, as ratios to a bare `python -c pass` in the same run.

Run it with `python benchmarks/startup.py [ROUNDS]` (25 rounds unless said otherwise), in an environment with sophia
installed. Every round runs every command once, in turn, so that a slow moment of the machine meets all of them; the
figures are medians. Exits with 1 when `sophia --help` costs more than 4 bare starts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
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


def run_ms(words: list[str], folder: str) -> float:
    """Return the wall time of one run in milliseconds."""
    started = time.perf_counter()
    subprocess.run(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - started) * 1000


def main(rounds: int) -> int:
    """Measure, print a table, return 1 when the limit is passed."""
    samples: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for words in COMMANDS.values():
            run_ms(words, folder)
        for _ in range(rounds):
            for name, words in COMMANDS.items():
                samples[name].append(run_ms(words, folder))
    medians = {name: statistics.median(values) for name, values in samples.items()}
    bare = medians["python -c pass"]
    lines = [f"{'command':<26} {'median ms':>9} {'ratio':>6}"]
    lines += [f"{name:<26} {value:>9.1f} {value / bare:>6.2f}" for name, value in medians.items()]
    ratio = medians["sophia --help"] / bare
    lines.append(f"sophia --help costs {ratio:.2f} bare starts; the limit is {LIMIT:g} ({rounds} rounds)")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 25))
