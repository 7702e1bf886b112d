"""Measure the repair of broken files: how many compile, how many are what a person wrote, what is lost, how fast.

    python -m benchmarks.syntax_repair ROWS.jsonl [--only held-out | --repos-held-out A,B]

A row is {repo, broken, fixed, min_fixed}. Every row is mended in this process as `sophia fix` mends a file that is
named: analysis, fixes chosen, verified and applied in rounds, once with `--unsafe` and once without. `repair` and
`repair_safe` do the same for other harnesses, which load this file by its path.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.analysis import AnalysisContext, FileReport, analyse, compile_fault
from sophia_cli.fixers.mending.choosing import Policy
from sophia_cli.fixers.mending.rounds import draft_fixes
from sophia_cli.fixers.mending.verify import Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.repair_scoring import Score

HELD_OUT = (
    "geekcomputers+Python",
    "gunthercox+ChatterBot",
    "encode+httpx",
    "lmcinnes+umap",
    "sherlock-project+sherlock",
    "pre-commit+pre-commit",
    "fastapi+typer",
    "Instagram+Fixit",
)
"""Repositories that no cost was learned from."""

_PATH = "module.py"
_COLUMNS = (
    "first error", "rows", "compiles", "safe-compiles", "exact", "exact or least", "mended without --unsafe",
    "of those exact or least", "lost lines", "lost definitions", "ms median", "ms p95",
)  # fmt: skip


class Measured(NamedTuple):
    """One row: the kind of its first error, its scores with and without unsafe fixes, and processor milliseconds."""

    kind: str
    whole: Score
    safe: Score | None
    ms: float


def repair(src: str) -> str:
    """Return the source as `sophia fix --unsafe` leaves it."""
    return _fixed(src, _first_report(src), unsafe=True)


def repair_safe(src: str) -> str:
    """Return the source as `sophia fix` leaves it."""
    return _fixed(src, _first_report(src), unsafe=False)


def _analyse(path: str, data: bytes) -> FileReport:
    return analyse(path, data, AnalysisContext(python=sys.version_info[:2], named=True), all_rules())


def _first_report(src: str) -> FileReport:
    return _analyse(_PATH, src.encode("utf-8", "surrogateescape"))


def _fixed(src: str, report: FileReport, *, unsafe: bool) -> str:
    data = src.encode("utf-8", "surrogateescape")
    draft = draft_fixes([Version(data, report)], _analyse, Policy(unsafe=unsafe))
    return draft.after[0].data.decode("utf-8", "surrogateescape")


def measure(row: dict[str, Any]) -> Measured:
    """Mend one row and score what comes out; scoring does not count as time."""
    from benchmarks.repair_scoring import score
    from sophia_cli.fixers.syntax.engine import kind_of

    broken = row["broken"]
    compare = partial(score, broken, fixed=row["fixed"], least=row.get("min_fixed") or row["fixed"])
    started = time.process_time()
    report = _first_report(broken)
    whole = _fixed(broken, report, unsafe=True)
    spent = time.process_time() - started
    safe = _fixed(broken, report, unsafe=False)
    fault = compile_fault(broken)
    return Measured(
        "none" if fault is None else kind_of(fault).value,
        compare(mended=whole),
        None if safe == broken else compare(mended=safe),
        1000 * spent,
    )


def table(measured: Iterable[Measured]) -> str:
    """Return the figures as a Markdown table: all rows, then by the kind of the first error, most frequent first."""
    rows = list(measured)
    by_kind: dict[str, list[Measured]] = {}
    for one in rows:
        by_kind.setdefault(one.kind, []).append(one)
    groups = {"all": rows, **dict(sorted(by_kind.items(), key=lambda item: (-len(item[1]), item[0])))}
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *(_figures(name, group) for name, group in groups.items() if group)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figures(name: str, group: list[Measured]) -> tuple[str, ...]:
    safe = [one.safe for one in group if one.safe is not None and one.safe.compiles]
    times = sorted(one.ms for one in group)
    whole = [one.whole for one in group]
    return (
        name,
        str(len(group)),
        _share(sum(s.compiles for s in whole), len(group)),
        _share(sum(s.safely for s in whole), len(group)),
        _share(sum(s.exact for s in whole), len(group)),
        _share(sum(s.exact_or_least for s in whole), len(group)),
        _share(len(safe), len(group)),
        _share(sum(s.exact_or_least for s in safe), len(safe)),
        str(sum(s.lost_lines for s in whole if s.compiles)),
        str(sum(s.lost_definitions for s in whole if s.compiles)),
        f"{median(times):.0f}",
        f"{times[int(0.95 * len(times))]:.0f}",
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def main() -> None:
    """Measure the rows of a file and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", choices=["held-out", "others"], help="the held-out repositories, or all the others")
    which.add_argument("--repos-held-out", metavar="A,B", help="these repositories alone")
    arguments = parser.parse_args()
    with arguments.dataset.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    names = set(arguments.repos_held_out.split(",") if arguments.repos_held_out else HELD_OUT)
    if arguments.only or arguments.repos_held_out:
        rows = [row for row in rows if (row["repo"] in names) is (arguments.only != "others")]
    chosen = [row for row in rows if row.get("fixed")]
    if not chosen:
        parser.error("no row is left to measure")
    repair("print(1\n")  # rules, costs and token model are read once, before the first row
    print(table(measure(row) for row in chosen))


if __name__ == "__main__":
    main()
