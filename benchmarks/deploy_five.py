"""How long five services take to be there: deployed by Sophia, started in parallel by hand, started by others.

    python -m benchmarks.deploy_five [--peers FOLDER] [--rounds 5] [--framework plain|fastapi]

Measured until every service has answered, and until the command returns. Sophia deploys for the first time: no agent,
no cache and no release is there. Rounds take turns; ratios are of medians. On a machine with other work only processor
time tells much: that of the services, and with Sophia that of the whole command and of the agent until all answer.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.deploy_harness import Framework, Raw, Row, Shop, all_answer, finish, temporary_shop
from benchmarks.deploy_idle import cpu_s
from benchmarks.deploy_peers import Supervisor, installed_peers

WANTED = 1.1
# Which services each one depends on: none, and three levels (one, two, two).
FLAT: dict[int, Sequence[int]] = {}
LEVELS: dict[int, Sequence[int]] = {1: [0], 2: [0], 3: [1], 4: [1, 2]}
NO_SOAK = 'soak = "0s"'


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds until all answer, until the command returned, and of processor time."""

    answered_s: float
    returned_s: float
    processor_s: float


def deployed(shop: Shop) -> Started:
    """Deploy for the first time."""
    shop.end_everything()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = shop.start("deploy", "--quiet")
    all_answer(shop.services)
    answered = time.perf_counter() - began
    agent = shop.agent_pid()
    children = Path(f"/proc/{agent}/task/{agent}/children").read_text().split()
    used = sum(cpu_s(pid) for pid in (agent, *map(int, children)))
    out, err = process.communicate()
    assert process.returncode == 0, f"{out}{err}"
    returned = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Started(answered, returned, used + after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def by_hand(shop: Shop) -> Started:
    """Start all at once, by nobody."""
    shop.end_everything()
    began = time.perf_counter()
    with Raw(shop.services) as raw:
        all_answer(shop.services)
        answered = time.perf_counter() - began
        return Started(answered, answered, sum(map(cpu_s, raw.pids)))


def by_peer(shop: Shop, kind: type[Supervisor], programs: Path, number: int) -> float:
    """Return the seconds until all answer, the start of the supervisor included."""
    shop.end_everything()
    began = time.perf_counter()
    with kind(programs, shop.root / f"{kind.name}-{number}", shop.services):
        all_answer(shop.services)
        return time.perf_counter() - began


def measure(programs: Path | None, rounds: int, framework: Framework) -> list[Row]:
    """Return the rows of first deployments, and of an incremental one."""
    kinds = installed_peers(programs)
    raw: list[Started] = []
    others: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    ways: dict[str, tuple[dict[int, Sequence[int]], tuple[str, ...]]] = {
        "one level": (FLAT, (NO_SOAK,)),
        "three levels": (LEVELS, (NO_SOAK,)),
        "one level, usual soak of 1 s": (FLAT, ()),
    }
    starts: dict[str, list[Started]] = {way: [] for way in ways}
    with temporary_shop(framework=framework) as shop:
        by_hand(shop)  # writes the byte code that everybody has from now on
        for number in range(rounds):
            raw.append(by_hand(shop))
            for way, (wanted, lines) in ways.items():
                shop.settings(*lines, depends_on=_of(wanted))
                starts[way].append(deployed(shop))
            for kind in kinds:
                assert programs is not None, "a peer was found in the folder"
                others[kind.name].append(by_peer(shop, kind, programs, number))
        shop.settings(NO_SOAK)
        steps = incremental(shop)
    hand_s, hand_processor_s = median(one.answered_s for one in raw), median(one.processor_s for one in raw)
    told = f"{hand_s:.2f} s; {hand_processor_s:.2f} s of processor"
    rows = [Row(f"five {framework.value} services, started in parallel by hand", "", told, None)]
    for way, found in starts.items():
        answered = median(one.answered_s for one in found)
        returned = median(one.returned_s for one in found)
        processor = median(one.processor_s for one in found)
        ratio = answered / hand_s
        text = f"{ratio:.2f} x ({answered:.2f} s; command returns after {returned:.2f} s)"
        text += f"; processor {processor / hand_processor_s:.2f} x ({processor:.2f} s)"
        is_bar = way == "one level"
        what = f"`sophia deploy` for the first time, {way}: all answer"
        rows.append(Row(what, f"<= {WANTED} x" if is_bar else "", text, ratio <= WANTED if is_bar else None))
    rows += [Row(f"{name}, all answer", "", f"{median(times) / hand_s:.2f} x", None) for name, times in others.items()]
    return [*rows, steps]


def _of(wanted: dict[int, Sequence[int]]) -> Callable[[int], Sequence[int]]:
    return lambda number: wanted.get(number, ())


def incremental(shop: Shop) -> Row:
    """Return what each step takes when all five have changed and are replaced one at a time."""
    deployed(shop)
    for number in range(len(shop.services)):
        shop.write_version(number, 2)
    began = time.perf_counter()
    document = json.loads(shop.sophia("deploy", "--json"))
    took = time.perf_counter() - began
    steps: dict[str, list[float]] = {}
    for service in document["services"]:
        assert service["action"] == "deployed", service
        for step in service["steps"]:
            steps.setdefault(step["name"], []).append(step["duration_s"])
    told = ", ".join(f"{name} {1000 * median(times):.0f} ms" for name, times in steps.items())
    return Row("all five changed, replaced one at a time", "", f"{took:.2f} s; a service: {told}", None)


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description="five services, deployed")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--framework", type=Framework, default=Framework.PLAIN)
    chosen = parser.parse_args()
    return finish(measure(chosen.peers, chosen.rounds, chosen.framework))


if __name__ == "__main__":
    sys.exit(main())
