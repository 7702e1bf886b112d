"""What callers notice of a release that does not work, and how soon it is known.

    python -m benchmarks.deploy_broken [--rounds 5] [--connections 20]

A good release serves under load while broken ones are deployed: one that ends while it is imported, one that ends when
its application starts, one whose readiness answers 503. Counted are the answers that a broken release gave to callers,
and failed requests; the verdict is the end of `sophia deploy`, measured from the death of the candidate's process.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.deploy_harness import LIMIT_S, Row, Shop, all_answer, ask, finish, temporary_shop
from benchmarks.deploy_swaps import under_load

WANTED_VERDICT_S = 0.5
BROKEN = 99
ROLLED_BACK = 3
SOON = 'start_timeout = "1s"'
SETTINGS = (
    'soak = "0s"',
    SOON,
    'readiness = { http = "/ready", interval = "50ms", timeout = "1s", failures = 3 }',
)
# os._exit: nothing of the process does anything after the time was noted.
DIE = """
def die():
    import time
    with open({note!r}, "w") as note:
        note.write(str(time.time()))
    os._exit(1)
"""


def broken_rounds(shop: Shop, more: str, at_start: str, ready: int, note: Path | None) -> float | None:
    """Deploy a release that breaks; returns the seconds from its death to the verdict, None where it does not die."""
    shop.write_version(0, BROKEN, more, at_start, ready)
    process = shop.start("deploy", "--quiet")
    process.communicate(timeout=LIMIT_S)
    # The note holds the time of the clock that all processes share.
    seconds = None if note is None else time.time() - float(note.read_text())
    assert process.returncode == ROLLED_BACK, f"exit code {process.returncode}"
    return seconds


def measure(rounds: int, connections: int) -> list[Row]:
    """Return the rows of broken releases."""
    rows: list[Row] = []
    with temporary_shop(1) as shop:
        # The good one may take its time, on a busy machine too; only what is never ready is to be given up soon.
        shop.settings(*(line for line in SETTINGS if line != SOON))
        shop.sophia("deploy", "--quiet")
        all_answer(shop.services)
        shop.settings(*SETTINGS)
        note = shop.root / "died"
        die = DIE.format(note=str(note))
        kinds: dict[str, tuple[str, str, int, Path | None]] = {
            "ends while imported": (f"{die}\ndie()\n", "pass", 200, note),
            "ends when it starts": (die, "die()", 200, note),
            "is never ready": ("", "pass", 503, None),
        }
        for name, (more, at_start, ready, place) in kinds.items():
            verdicts: list[float] = []
            with under_load(shop.services[0].port, connections) as calls:
                for _ in range(rounds):
                    seconds = broken_rounds(shop, more, at_start, ready, place)
                    verdicts += [] if seconds is None else [seconds]
            tally = calls.tally
            reached = sum(count for body, count in tally.answered.items() if body.startswith(b"%d " % BROKEN))
            still = ask(shop.services[0].port).version
            assert still == 1, f"version {still} serves"
            told = f", verdict {median(verdicts):.2f} s after its death" if verdicts else ""
            text = f"{reached} of {tally.total:,} requests reached it, {len(tally.failures)} failed{told}"
            wanted = "0 reach it, 0 fail" + (f", verdict <= {WANTED_VERDICT_S} s" if verdicts else "")
            in_time = not verdicts or median(verdicts) <= WANTED_VERDICT_S
            is_met = reached == 0 and not tally.failures and in_time
            rows.append(Row(f"a release that {name}, deployed {rounds} times", wanted, text, is_met))
    return rows


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="broken releases")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=20)
    chosen = parser.parse_args()
    return finish(measure(chosen.rounds, chosen.connections))


if __name__ == "__main__":
    sys.exit(main())
