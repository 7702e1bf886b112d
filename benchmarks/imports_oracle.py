"""Broken imports of the project's own modules, beside three type checkers.

    python -m benchmarks.imports_oracle SOURCES [--peers FOLDER] [--kept FOLDER] [--agreed N]

runs `sophia scan --json --select SPH2` on a folder, and basedpyright, ty and pyrefly as far as FOLDER (of executables;
PATH without it) has them. Compared are imports of modules that are missing and of names that a module lacks, as path,
line and name; only those of first-party modules, that is relative ones and those whose first part is a module or
package in a folder of SOURCES that is no package. Printed is how many each reports and shares with Sophia, and every
row on which Sophia differs from at least N of the checkers (1 by default). What the checkers answer is kept below
`--kept` and not asked for again.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import answer, executable, sophia_findings, top_names

_OWN_RULES = ("missing-module", "missing-name", "unimportable-module")
_TY = re.compile(r"^(\S+?):(\d+):\d+: \S*\[(?:unresolved-import|import-not-found|missing-module-member)\] (.*)$", re.M)
_TICKED = re.compile(r"`([^`]*)`")
_QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Row:
    """An import that leads to nothing: where, and the name that its module lacks (empty for the module itself)."""

    path: str
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Report:
    """A row as somebody reports it. `module` is the module's name as they write it."""

    row: Row
    module: str


def main() -> None:
    parser = argparse.ArgumentParser(description="broken imports beside type checkers")
    parser.add_argument("sources", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--agreed", type=int, default=1)
    options = parser.parse_args()
    sources = options.sources.resolve()
    own = top_names(sources)
    ours = {report.row: f"{kind} {report.module}" for kind, report in by_sophia(sources)}
    print(f"sophia: {len(ours)}")
    theirs: dict[Row, dict[str, str]] = defaultdict(dict)
    asked = 0
    for name, (arguments, read) in _CHECKERS.items():
        command = executable(name, options.peers)
        kept = options.kept / f"{name}.txt" if options.kept else None
        if command is None and (kept is None or not kept.is_file()):
            continue
        text = answer([command or name, *arguments], sources, kept)
        rows = {report.row: report.module for report in read(text, sources) if is_first_party(report.module, own)}
        asked += 1
        print(f"{name}: {len(rows)}, of these also Sophia's {len(rows.keys() & ours.keys())}")
        for row, module in rows.items():
            theirs[row][name] = module
    for row in sorted(ours.keys() | theirs.keys(), key=lambda row: (row.path, row.line, row.name)):
        said = theirs.get(row, {})
        if (asked - len(said) if row in ours else len(said)) >= options.agreed:
            who = " ".join(said) or "nobody"
            module = ours.get(row) or f"- {next(iter(said.values()))}"
            print(f"  {row.path}:{row.line} {module} {row.name} | {who}")


def by_sophia(sources: Path) -> Iterator[tuple[str, Report]]:
    """Yield what Sophia reports, with the rule's name."""
    for finding in sophia_findings(sources, "SPH2"):
        data = finding["data"]
        if finding["name"] in _OWN_RULES and isinstance(data, dict):
            row = Row(str(finding["path"]), int(str(finding["line"])), str(data.get("name") or ""))
            yield str(finding["name"]), Report(row, str(data.get("module") or ""))


def is_first_party(module: str, own: frozenset[str]) -> bool:
    """Whether a module's name, as a checker writes it, is one of the project's."""
    return module.startswith(".") or module.partition(".")[0] in own


def by_ty(text: str, sources: Path) -> Iterator[Report]:
    """Yield what ty's concise output says of imports."""
    for path, line, message in _TY.findall(text):
        ticked = _TICKED.findall(message)
        if message.startswith("Module ") and len(ticked) > 1:
            yield Report(Row(path, int(line), ticked[1]), ticked[0])
        elif ticked:
            yield Report(Row(path, int(line), ""), ticked[0])


def by_pyrefly(text: str, sources: Path) -> Iterator[Report]:
    """Yield what pyrefly's JSON says of imports."""
    for error in json.loads(text)["errors"]:
        ticked = _TICKED.findall(error["concise_description"])
        path = str(error["path"]).removeprefix(f"{sources}/")
        if error["name"] == "missing-module-attribute" and len(ticked) > 1:
            yield Report(Row(path, error["line"], ticked[0]), ticked[1])
        elif error["name"] in ("missing-import", "import-error"):
            relative = "relative" in error["concise_description"]
            yield Report(Row(path, error["line"], ""), ("." if relative else "") + (ticked or [""])[0])


def by_basedpyright(text: str, sources: Path) -> Iterator[Report]:
    """Yield what basedpyright's JSON says of imports; of a name it does not say the module, so the line is read."""
    for error in json.loads(text)["generalDiagnostics"]:
        quoted = _QUOTED.findall(error["message"])
        path = str(error["file"]).removeprefix(f"{sources}/")
        # What is said of a whole file has no range.
        line = error["range"]["start"]["line"] + 1 if "range" in error else 0
        if error.get("rule") == "reportMissingImports" and quoted:
            yield Report(Row(path, line, ""), quoted[0])
        elif error.get("rule") == "reportAttributeAccessIssue" and "unknown import symbol" in error["message"]:
            yield Report(Row(path, line, quoted[0]), module_at(sources / path, line))


def module_at(path: Path, line: int) -> str:
    """Return the module that the `from` statement around a line names, as it is written; empty where none is seen."""
    lines = path.read_text("utf-8", "replace").split("\n")
    for number in range(line - 1, max(line - 40, -1), -1):
        found = re.match(r"\s*from\s+([\w.]+)\s+import\b", lines[number])
        if found:
            return found[1]
    return ""


_CHECKERS: dict[str, tuple[tuple[str, ...], Callable[[str, Path], Iterator[Report]]]] = {
    "ty": (("check", "--output-format", "concise", "--exit-zero", "."), by_ty),
    "pyrefly": (
        # Without a configuration of its own it leaves the second out; some projects switch off the first.
        ("check", "--error", "missing-import", "--error", "missing-module-attribute", "--output-format", "json", "."),
        by_pyrefly,
    ),
    "basedpyright": (("--outputjson", "."), by_basedpyright),
}


if __name__ == "__main__":
    main()
