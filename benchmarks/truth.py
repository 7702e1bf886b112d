"""Recall and precision of a scan against labelled findings.

    python -m benchmarks.truth REPOSITORY TRUTH.json [--rule NAME] [--all]

runs `sophia scan --json` on the repository in a child process and compares every finding with the rows of the labelled
set: same rule (or one of the row's `accept`), path, line, and the key in `data` that its README names. A required row
that is not reported is a miss; a report that matches no row is a false positive; an optional row is neither. The rows
that differ are printed, twenty a rule unless `--all`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_KEYS: Mapping[str, tuple[str, ...]] = {
    "missing-module": ("module",),
    "missing-name": ("module", "name"),
    "broken-target": ("module",),
    "unimportable-module": ("module",),
    "shadowed-distribution": (),
    "import-cycle": (),
    "undeclared-dependency": ("distribution",),
    "conflicting-requirements": ("distribution",),
    "unknown-argument": ("callable", "argument"),
    "missing-argument": ("callable", "argument"),
    "missing-target": ("target",),
    "not-a-distribution": (),
    "first-party-as-distribution": (),
}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled finding or one report: what it is compared by, and the rest for reading."""

    name: str
    path: str
    line: int
    data: Mapping[str, object]
    accept: frozenset[str]
    optional: bool = False
    severity: str = ""

    def fits(self, report: Row) -> bool:
        """Whether a report is this labelled finding."""
        if report.name not in self.accept or report.path != self.path:
            return False
        if self.name == "import-cycle":
            return self._fits_cycle(report)
        if report.line != self.line:
            return False
        # Where the labels say that only the import is certain, the distribution is not compared.
        keys = _KEYS.get(self.name, ()) if self.data.get("distribution_certain") is not False else ()
        return report.name != self.name or all(_same(self.data.get(key), report.data.get(key)) for key in keys)

    def _fits_cycle(self, report: Row) -> bool:
        modules = {*_texts(self.data.get("modules")), *_texts(self.data.get("component"))}
        return report.name != self.name or bool(modules & set(_texts(report.data.get("modules"))))

    def shown(self) -> str:
        """Return the row in a line."""
        facts = ", ".join(f"{key}={self.data.get(key)}" for key in _KEYS.get(self.name, ()))
        return f"{self.path}:{self.line} {self.severity} {facts}"


@dataclass(slots=True)
class Score:
    """What came of one rule."""

    required: int = 0
    hit: int = 0
    reported: int = 0
    right: int = 0
    wrong_severity: int = 0

    @property
    def recall(self) -> float:
        """Share of the required rows that were reported."""
        return self.hit / self.required if self.required else 1.0

    @property
    def precision(self) -> float:
        """Share of the reports that match a row, required or optional."""
        return self.right / self.reported if self.reported else 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description="recall and precision of a scan against labelled findings")
    parser.add_argument("repository", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--rule", action="append", help="only this rule; may be repeated")
    parser.add_argument("--all", action="store_true", help="print every row that differs")
    parser.add_argument("--scan", type=Path, help="a saved `sophia scan --json` instead of a scan")
    options = parser.parse_args()
    rows = [_row(values) for values in json.loads(options.truth.read_text("utf-8"))["findings"]]
    document = json.loads(options.scan.read_text("utf-8")) if options.scan else scan(options.repository)
    reports = [_row(values) for values in document["findings"]]
    names = options.rule or sorted({row.name for row in rows} & {*_KEYS, *(report.name for report in reports)})
    print("| rule | required | recall | reports | precision | wrong severity |\n| --- | --- | --- | --- | --- | --- |")
    details: list[str] = []
    for name in names:
        score, missed, wrong = compare(name, rows, reports)
        print(
            f"| {name} | {score.required} | {score.recall:.1%} | {score.reported} | {score.precision:.1%} "
            f"| {score.wrong_severity} |"
        )
        details += _details(name, missed, wrong, len(missed) + len(wrong) if options.all else _SHOWN)
    print("\n".join(details))
    return 0


def scan(repository: Path) -> dict[str, list[dict[str, object]]]:
    """Return the document of `sophia scan --json`; exits with its message when it cannot scan."""
    command = [sys.executable, "-m", "sophia_cli", "scan", str(repository), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(done.stdout + done.stderr)
    document: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return document


def compare(name: str, rows: Iterable[Row], reports: Iterable[Row]) -> tuple[Score, list[Row], list[Row]]:
    """Return the score of one rule, the required rows that were missed and the reports that match no row."""
    by_path: dict[str, list[Row]] = defaultdict(list)
    for report in reports:
        by_path[report.path].append(report)
    all_rows: dict[str, list[Row]] = defaultdict(list)
    score = Score()
    missed: list[Row] = []
    for row in rows:
        all_rows[row.path].append(row)
        if row.name != name or row.optional:
            continue
        score.required += 1
        found = _reports_for(row, by_path, reports if row.name == "import-cycle" else ())
        if found:
            score.hit += 1
            score.wrong_severity += all(row.severity != report.severity for report in found if report.name == name)
        else:
            missed.append(row)
    wrong: list[Row] = []
    cycles = [row for some in all_rows.values() for row in some if row.name == "import-cycle"]
    for report in (report for some in by_path.values() for report in some if report.name == name):
        score.reported += 1
        candidates = cycles if name == "import-cycle" else all_rows[report.path]
        if any(row.fits(report) or (row.name == "import-cycle" and row._fits_cycle(report)) for row in candidates):
            score.right += 1
        else:
            wrong.append(report)
    return score, missed, wrong


def _reports_for(row: Row, by_path: Mapping[str, list[Row]], everywhere: Iterable[Row]) -> list[Row]:
    """Return the reports of a row. A cycle may be reported at any of its files."""
    if row.name == "import-cycle":
        found = [report for report in everywhere if report.name == row.name and row._fits_cycle(report)]
        if found:
            return found
    return [report for report in by_path.get(row.path, ()) if row.fits(report)]


def _row(values: Mapping[str, object]) -> Row:
    name, data, line = str(values["name"]), values["data"], values["line"]
    assert isinstance(data, dict)
    assert isinstance(line, int)
    return Row(
        name=name,
        path=str(values["path"]),
        line=line,
        data=data,
        accept=frozenset((name, *_texts(values.get("accept")))),
        optional=bool(values.get("optional")),
        severity=str(values.get("severity", "")),
    )


def _details(name: str, missed: list[Row], wrong: list[Row], limit: int) -> list[str]:
    lines: list[str] = []
    for title, some in (("missed", missed), ("matches no row", wrong)):
        if some:
            lines.append(f"\n{name}, {title} ({len(some)}):")
            lines += [f"  {row.shown()}" for row in some[:limit]]
    return lines


def _same(label: object, reported: object) -> bool:
    if isinstance(label, str) and isinstance(reported, str):
        return label == reported or label.lower().replace("_", "-") == reported.lower().replace("_", "-")
    return label is None or label == reported


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


if __name__ == "__main__":
    sys.exit(main())
