"""Undeclared and unused dependencies, beside deptry.

    python -m benchmarks.dependencies_oracle SOURCES [--peers FOLDER] [--kept FOLDER]

runs `sophia scan --json --select SPH3` and `deptry` (FOLDER holds its executable; PATH without it). Compared
are imports that nothing declares (deptry's DEP001 and DEP003) by path, line and first part of the import, and
declared distributions that nothing uses (DEP002) by name. Printed is how many each reports and shares; then, by
import, how often each differs from the other with one place, imports of the project's own modules (first part: a
module or package in a folder of SOURCES that is no package) told apart. What deptry answers is kept below `--kept`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import answer, executable, plain, sophia_findings, top_names


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """An import that nothing declares. `name` is its first part."""

    path: str
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Reported:
    """What one of the two reports: undeclared imports with how bad they are, and unused distributions."""

    undeclared: dict[Row, str]
    unused: frozenset[str]


def main() -> None:
    parser = argparse.ArgumentParser(description="undeclared and unused dependencies beside deptry")
    parser.add_argument("sources", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--kept", type=Path)
    options = parser.parse_args()
    sources = options.sources.resolve()
    ours = by_sophia(sources)
    theirs = by_deptry(sources, options.peers, options.kept)
    own = top_names(sources)
    own_rows = {row for row in theirs.undeclared if row.name in own}
    both = ours.undeclared.keys() & theirs.undeclared.keys()
    print(f"undeclared: sophia {len(ours.undeclared)}, deptry {len(theirs.undeclared)}, both {len(both)}")
    print(f"named by deptry and a module of the project by its name: {len(own_rows)}, of these also Sophia's")
    print(f"  {len(own_rows & ours.undeclared.keys())}")
    _tell("only sophia", ((row, ours.undeclared[row]) for row in ours.undeclared.keys() - both))
    _tell("only deptry", ((row, theirs.undeclared[row]) for row in theirs.undeclared.keys() - both - own_rows))
    _tell("only deptry, a module of the project", ((row, "") for row in own_rows - ours.undeclared.keys()))
    print(f"unused: sophia {sorted(ours.unused)}, deptry {sorted(theirs.unused)}")


def by_sophia(sources: Path) -> Reported:
    """Return what Sophia reports."""
    undeclared: dict[Row, str] = {}
    unused: set[str] = set()
    for finding in sophia_findings(sources, "SPH3"):
        data = finding["data"]
        if not isinstance(data, dict):
            continue
        if finding["name"] == "undeclared-dependency":
            name = str(data["import"]).partition(".")[0]
            undeclared[Row(str(finding["path"]), int(str(finding["line"])), name)] = str(finding["severity"])
        elif finding["name"] == "unused-dependency":
            unused.add(plain(str(data["distribution"])))
    return Reported(undeclared, frozenset(unused))


def by_deptry(sources: Path, folder: Path | None, kept: Path | None) -> Reported:
    """Return what deptry reports; raises SystemExit where it is not there or has no answer."""
    place = kept / "deptry.txt" if kept else None
    command = executable("deptry", folder)
    if command is None and (place is None or not place.is_file()):
        raise SystemExit("`deptry` is not here: say where with --peers")
    with tempfile.TemporaryDirectory() as scratch:
        written = place or Path(scratch, "deptry.txt")
        if not written.is_file():
            written.parent.mkdir(parents=True, exist_ok=True)
            answer([command or "deptry", "--no-ansi", "-o", str(written.resolve()), "."], sources, None)
        if not written.is_file():
            raise SystemExit("deptry came to no end: it finds no declaration, or cannot read one")
        rows = json.loads(written.read_text("utf-8"))
    undeclared: dict[Row, str] = {}
    unused: set[str] = set()
    for row in rows:
        code, place_of = row["error"]["code"], row["location"]
        if code in ("DEP001", "DEP003"):
            undeclared[Row(place_of["file"], place_of["line"], row["module"].partition(".")[0])] = code
        elif code == "DEP002":
            unused.add(plain(row["module"]))
    return Reported(undeclared, frozenset(unused))


def _tell(title: str, rows: Iterable[tuple[Row, str]]) -> None:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row, kind in rows:
        groups[row.name, kind].append(row)
    print(f"{title}: {sum(map(len, groups.values()))}")
    for (name, kind), found in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        first = min(found)
        print(f"  {len(found)} {name} {kind} ({first.path}:{first.line})")


if __name__ == "__main__":
    main()
