"""What the command `sophia bench` promises as a whole: memory, the same grade every time, refusals, baselines.

    python -m benchmarks.load_proofs [memory grades refusals baselines]

Prints what was measured beside its limit and exits with 1 when one is exceeded. `baselines` records the windows of two
servers that are loaded in turn for some minutes, and judges thousands of runs drawn from them, some with every latency
of one side 20 % longer; then it makes a few real runs. Server and client have a processor each where there are two.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.load_accuracy import spec
from benchmarks.load_servers import fast_server, pinned, running
from sophia_cli.bench.judging.comparison import compare, windows_needed
from sophia_cli.bench.run import measure
from sophia_cli.bench.side_by_side import Sides, compare_side_by_side, turns
from sophia_cli.core.measurement_comparison import Change

MOST_MB = 40.0
REPEATS = 20
ROUNDS_RECORDED = 40
WINDOWS = 10
DRAWN = 2_000
REAL_RUNS = 3
MOST_ALARMS = 0.01
LEAST_FOUND = 0.95


def memory() -> bool:
    """Return whether the command and its worker together stay below the limit."""
    with pinned() as processor, fast_server(processor) as url, tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "sophia_cli", "bench", url, "--duration", "3s", "--connections", "100", "--json"]
        process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        most = 0.0
        while process.poll() is None:
            most = max(most, _resident_mb(process.pid) + sum(_resident_mb(pid) for pid in _workers(process.pid)))
            time.sleep(0.01)
    print(f"  command and worker hold {most:.1f} MB (limit {MOST_MB:g})")
    return most <= MOST_MB


def grades() -> bool:
    """Return whether repeated runs have one grade, or are refused."""
    found: list[str | None] = []
    with pinned() as processor, running("delayed", processor=processor) as url, tempfile.TemporaryDirectory() as folder:
        for _ in range(REPEATS):
            found.append(_row(url, folder, "--duration", "2s")["grade"])
    letters = {letter for letter in found if letter is not None}
    refused = sum(letter is None for letter in found)
    print(f"  {REPEATS} runs: {', '.join(sorted(letters)) or 'no grade'}; {refused} refused")
    return len(letters) <= 1


def refusals() -> bool:
    """Return whether runs in which the client is the slower side are all refused: a fast server, too high a rate."""
    fine = True
    with pinned() as processor, fast_server(processor) as url, tempfile.TemporaryDirectory() as folder:
        for words in (("--connections", "200"), ("--rate", "400000", "--connections", "50")):
            row = _row(url, folder, "--duration", "2s", "--processes", "1", *words)
            print(f"  {' '.join(words)}: {row['refused'] or 'graded ' + str(row['grade'])}")
            fine &= row["refused"] is not None
    return fine


def baselines() -> bool:
    """Return whether equal services raise few alarms and a service that is 20 % slower is found."""
    with _servers() as (one, other, slower):
        before, after = _recorded(one, other)
        found = _drawn(before, after)
        real = _real(one, other, slower)
    return found and real


@contextmanager
def _servers() -> Iterator[tuple[str, str, str]]:
    """Give two equal servers and a slower one; they wait more than they work, so one processor is enough."""
    with pinned() as processor, ExitStack() as stack:
        one, other, slower = (
            stack.enter_context(running(kind, processor=processor)) for kind in ("varied", "varied", "slower")
        )
        yield one, other, slower


def _recorded(one: str, other: str) -> tuple[list[float], list[float]]:
    """Return the medians of the windows of two servers of one kind, loaded in turn."""
    medians: tuple[list[float], list[float]] = ([], [])
    for is_first in turns(ROUNDS_RECORDED):
        measured = measure(spec(one if is_first else other, 20, None, 1.0), 12.5, lambda seconds: None)
        # As in a comparison of the command: what the machine spoiled does not count.
        if measured.latency is not None and measured.client.refusal is None:
            medians[0 if is_first else 1].append(measured.latency.p50)
    known = [value for side in medians for value in side] or [0.0]
    print(f"  recorded {len(known)} windows, p50 {min(known):.3f} to {max(known):.3f} ms", flush=True)
    return medians


def _drawn(before: Sequence[float], after: Sequence[float]) -> bool:
    """Judge runs of neighbouring windows, with the sides as they were and with one side slower."""
    chance = random.Random(4)
    alarms = hits = 0
    most = min(len(before), len(after))
    if most < WINDOWS:
        print("  nearly all windows were refused: repeat it on a quiet machine")
        return False
    count = max(WINDOWS, windows_needed(before, after))
    if count > most:
        print(f"  on this machine it takes {count} windows to find 20 %; {most} were recorded, so runs have {WINDOWS}")
        count = min(WINDOWS, most)
    for _ in range(DRAWN):
        start = chance.randrange(most - count + 1)
        # Which side is which is drawn too, so that a difference of the two servers is an alarm either way.
        sides = [before[start : start + count], after[start : start + count]]
        chance.shuffle(sides)
        alarms += compare("", sides[0], sides[1]).change in (Change.WORSE, Change.BETTER)
        hits += compare("", sides[0], [1.2 * value for value in sides[1]]).change is Change.WORSE
    print(f"  {DRAWN} runs of {count} windows: {alarms / DRAWN:.2%} false alarms, 20 % found in {hits / DRAWN:.1%}")
    return alarms / DRAWN <= MOST_ALARMS and hits / DRAWN >= LEAST_FOUND


def _real(one: str, other: str, slower: str) -> bool:
    equal = [_compared(one, other) for _ in range(REAL_RUNS)]
    worse = [_compared(one, slower) for _ in range(REAL_RUNS)]
    print(f"  real runs, equal: {', '.join(change.value for change in equal)}")
    print(f"  real runs, 20 % slower: {', '.join(change.value for change in worse)}")
    return not set(equal) & {Change.WORSE, Change.BETTER} and set(worse) == {Change.WORSE}


def _compared(baseline: str, judged: str) -> Change:
    sides = Sides(spec(baseline, 20, None, 1.0), spec(judged, 20, None, 1.0))
    return compare_side_by_side(sides, WINDOWS, 12.5, lambda part, seconds: None).change


def _row(url: str, folder: str, *words: str) -> dict[str, str | None]:
    command = [sys.executable, "-m", "sophia_cli", "bench", url, "--json", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    row = json.loads(done.stdout)["services"][0]
    return {"grade": row["grade"], "refused": row["refused"]}


def _workers(pid: int) -> list[int]:
    """Return the workers of a bench; a child that has not become one yet still shares the memory of its parent."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children if b"bench.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]
    except OSError:
        return []


def _resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def main() -> int:
    """Run the named proofs, or all, and return 1 when a limit is exceeded."""
    proofs = {"memory": memory, "grades": grades, "refusals": refusals, "baselines": baselines}
    results: list[bool] = []
    for name in sys.argv[1:] or proofs:
        print(name, flush=True)
        results.append(proofs[name]())
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
