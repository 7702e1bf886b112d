"""What a release costs, as a ratio to a plain copy of the same files (`cp -r`) in the same run.

python -m benchmarks.releases
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from sophia_cli.deploy.fingerprint import fingerprint_of
from sophia_cli.deploy.releases.model import PackageLock, ReleaseDraft
from sophia_cli.deploy.releases.sources import Sources, read_sources
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.state_folder import StateFolder

_FOLDERS = 40
_LINES = 220


def main() -> int:
    parser = argparse.ArgumentParser(description="the cost of a release")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--files", type=int, default=800)
    parser.add_argument("--services", type=int, default=5)
    options = parser.parse_args()
    taken: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "project"
        _project(root, options.files)
        for _ in range(options.repeats):
            _round(root, Path(scratch) / "copy", options.services, taken)
    base = median(taken["cp -r"])
    for name, seconds in taken.items():
        middle = median(seconds)
        sys.stdout.write(f"{name:<44} {middle * 1000:8.1f} ms  {middle / base:6.2f} x cp -r\n")
    return 0


def _round(root: Path, copy: Path, services: int, taken: dict[str, list[float]]) -> None:
    shutil.rmtree(root / ".sophia", ignore_errors=True)
    shutil.rmtree(copy, ignore_errors=True)
    store, clock = ReleaseStore(StateFolder(root)), SystemClock()

    def timed(name: str, act: Callable[[], object]) -> None:
        began = perf_counter()
        act()
        taken.setdefault(name, []).append(perf_counter() - began)

    def released(names: list[str], sources: Sources) -> None:
        store.create_all([_draft(name) for name in names], sources, clock)

    names = [f"service-{number}" for number in range(services)]
    timed("cp -r", lambda: subprocess.run(["cp", "-r", str(root), str(copy)], check=True))
    timed("read and hash all files", lambda: read_sources(root))
    sources = read_sources(root)
    timed("first release", lambda: released(names[:1], sources))
    timed(f"first release of {services - 1} more services", lambda: released(names[1:], sources))
    timed("release, nothing changed", lambda: released(names[:1], sources))
    _change(root)
    changed = read_sources(root)
    timed("release, one file changed", lambda: released(names[:1], changed))
    timed(f"release of {services} services, one file changed", lambda: released(names, changed))
    release = store.read(names[0], store.numbers(names[0])[-1])
    timed("look for edits, first time", lambda: store.differences(release))
    timed("look for edits, again", lambda: store.differences(release))
    (store.tree(release) / "package_0/module_0.py").unlink()
    timed("restore one file", lambda: store.restore(release))
    timed("prune two releases", lambda: store.prune(names[0], (), clock, keep=2))


def _draft(name: str) -> ReleaseDraft:
    service = Service(name, app="package_0.module_0:app")
    fingerprint = fingerprint_of(service, code={}, data={}, secrets={}, packages={}, python="3.11")
    return ReleaseDraft(service, "2026-01-01T00:00:00+00:00", "", None, fingerprint, PackageLock("/python", "3.11"))


def _project(root: Path, files: int) -> None:
    chance = random.Random(7)
    for number in range(files):
        folder = root / f"package_{number % _FOLDERS}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = (f"value_{line} = {chance.random()!r}  # of module {number}\n" for line in range(_LINES))
        (folder / f"module_{number // _FOLDERS}.py").write_text("".join(lines))


def _change(root: Path) -> None:
    place = root / "package_0/module_0.py"
    place.write_text(f"{place.read_text()}# {random.random()}\n")


if __name__ == "__main__":
    sys.exit(main())
