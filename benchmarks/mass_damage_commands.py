"""Mass damage through the command line: what `sophia scan` and `sophia fix --unsafe` say and mend, and what they cost.

    python -m benchmarks.mass_damage_commands [--sizes 240,966]

On the repositories of `benchmarks.mass_damage`. A git in front of the real one counts how often git is started. Fixed
files are compared with the originals, by what compiles and by syntax tree; safe fixes are counted by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mass_damage import Repository, build, same_tree
from sophia_cli.fixers.history_evidence import compiles


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command: its JSON document, wall-clock and processor seconds, megabytes of its largest process,
    and how often it started git."""

    document: Mapping[str, object]
    wall: float
    cpu: float
    peak_mb: float
    gits: int

    def __str__(self) -> str:
        return f"{self.wall:.2f} s wall, {self.cpu:.2f} s CPU, {self.peak_mb:.0f} MB, {self.gits} git processes"


def counting_git(folder: Path) -> Path:
    """Put a git into `folder` that writes a line for each start; return the file with the lines."""
    real, log = shutil.which("git"), folder / "starts"
    folder.mkdir()
    program = folder / "git"
    program.write_text(f'#!/bin/sh\necho start >> "{log}"\nexec "{real}" "$@"\n')
    program.chmod(0o755)
    log.write_text("")
    return log


def run(root: Path, log: Path, *arguments: str) -> Run:
    """Run a Sophia command in `root` and return what came of it."""
    log.write_text("")
    environment = {**os.environ, "PATH": f"{log.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryFile() as output:
        begin = time.perf_counter()
        command = [sys.executable, "-m", "sophia_cli", *arguments, "--json"]
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=subprocess.PIPE)
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begin
        output.seek(0)
        text = output.read()
    if process.returncode not in (0, 1):
        raise SystemExit(f"{arguments} ended with {process.returncode}: {errors.decode()} {text.decode()[:2000]}")
    starts = len(log.read_text().splitlines())
    return Run(json.loads(text), wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, starts)


def findings(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = document["findings"]
    assert isinstance(found, list)
    return found


def facts(document: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """Return the facts of the first finding of each path that says what keeps it from compiling."""
    by_path: dict[str, Mapping[str, object]] = {}
    for finding in findings(document):
        if not str(finding["rule"]).startswith("SPH1"):
            continue
        data = finding["data"]
        assert isinstance(data, dict)
        by_path.setdefault(str(finding["path"]), data)
    return by_path


def report(size: int, options: argparse.Namespace) -> None:
    """Make a repository of `size` files, run the commands on it, print what they found, mended and cost."""
    with tempfile.TemporaryDirectory() as folder:
        log = counting_git(Path(folder) / "bin")
        root = Path(folder) / "repository"
        root.mkdir()
        repository = build(root, size)
        before = {path: (root / path).read_bytes() for path in repository.original}
        print(f"{size} files, {len(before)} broken, {len(repository.breaker)} with a compiling ancestor")
        cold = run(root, log, "scan")
        print(f"  scan, cold: {cold}")
        print(f"  scan, warm: {run(root, log, 'scan')}")
        told = facts(cold.document)
        right = sum(told.get(path, {}).get("commit") == commit for path, commit in repository.breaker.items())
        wrong = sum("commit" in told.get(path, {}) for path in before if path not in repository.breaker)
        never = sum(bool(told.get(path, {}).get("never_compiled")) for path in before)
        print(f"  breaking commit right: {right} of {len(repository.breaker)}; wrongly named: {wrong}")
        print(f"  never compiled, said so: {never} of {len(before) - len(repository.breaker)}")
        summary = cold.document["summary"]
        assert isinstance(summary, dict)
        for item in summary.get("damage", []):
            print(
                f"    {item['files']:4} files, commit {str(item['commit'])[:10]} ({item['summary']}): {item['example']}"
            )
        fixed = run(root, log, "fix", "--unsafe")
        print(f"  fix --unsafe: {fixed}")
        judge(repository, before, fixed, options.verbose)


def judge(repository: Repository, before: Mapping[str, bytes], fixed: Run, verbose: bool) -> None:
    """Print how many of the broken files compile and equal their originals, by where they come from and how sure."""
    safety: dict[str, str] = {}
    for finding in findings(fixed.document):
        fix = finding["fix"]
        if isinstance(fix, dict):
            safety[str(finding["path"])] = str(fix["safety"])
    mended, equal, changed = Counter[str](), Counter[str](), Counter[str]()
    for path, data in before.items():
        after = (repository.root / path).read_bytes()
        kinds = ["all", "history" if path in repository.breaker else "no good version", safety.get(path, "none")]
        kinds.append(f"{kinds[1]}, {kinds[2]}")
        good = compiles(after)
        same = good and same_tree(after.decode(), repository.original[path])
        if verbose and good and not same:
            print(f"    not the original ({kinds[3]}): {path}")
        for kind in kinds:
            changed[kind] += 1
            mended[kind] += good
            equal[kind] += same
        assert good or after == data, path
    for kind, count in sorted(changed.items()):
        share = f"{mended[kind] / count:.1%}"
        print(f"  {kind}: {mended[kind]} of {count} compile ({share}), {equal[kind]} equal to the original", flush=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Mass damage through the command line")
    parser.add_argument("--sizes", default="240,966")
    parser.add_argument("--verbose", action="store_true", help="name the files that are not as they were")
    options = parser.parse_args(arguments)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    for size in options.sizes.split(","):
        report(int(size), options)


if __name__ == "__main__":
    main(sys.argv[1:])
