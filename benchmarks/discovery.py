"""What `sophia init` finds in a labelled repository: recall, misses and extras.

    python -m benchmarks.discovery REPO TRUTH.json

TRUTH.json holds `services`: rows with `path`, `evidence_line` and `kind`. A row counts as found when an entry has the
same file and line. What was found beside the labels is listed for a person to judge.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from sophia_cli.project.discovery.find import find_entries
from sophia_cli.project.discovery.model import Entry
from sophia_cli.project.discovery.reader import project_reader

REPEATS = 3


def main(words: list[str]) -> int:
    """Print the comparison; return 1 when a labelled service was not found."""
    if len(words) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    root, rows = Path(words[0]), json.loads(Path(words[1]).read_text("utf-8"))["services"]
    times: list[float] = []
    entries: tuple[Entry, ...] = ()
    for _ in range(REPEATS):
        started = time.perf_counter()
        paths, read = project_reader(root)
        entries = find_entries(paths, read).entries
        times.append(time.perf_counter() - started)
    found = {(entry.path, entry.line) for entry in entries}
    labelled = {(row["path"], row["evidence_line"]) for row in rows}
    missed = [row for row in rows if (row["path"], row["evidence_line"]) not in found]
    extras = [entry for entry in entries if (entry.path, entry.line) not in labelled]
    hits = len(rows) - len(missed)
    print(f"labelled {len(rows)}, found {hits} ({hits / len(rows):.1%}) in {statistics.median(times):.2f} s")
    print(f"entries {len(entries)}, of them labelled {len(entries) - len(extras)}")
    for row in missed:
        near = [f"{entry.line}" for entry in entries if entry.path == row["path"]]
        beside = f"   (found line {', '.join(near)})" if near else ""
        print(f"missed  {row['path']}:{row['evidence_line']}  {row['kind']}{beside}")
    for entry in extras:
        doubt = entry.doubt.value if entry.doubt else ""
        print(f"extra   {entry.path}:{entry.line}  {entry.kind}  {entry.text[:80]}  {doubt}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
