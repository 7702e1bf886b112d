"""What the scan benchmarks share: projects made from the standard library, and processes measured."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOPHIA = (sys.executable, "-m", "sophia_cli")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process and its children took: seconds on the wall, seconds of processor, and the largest process in MB
    (of all that were measured so far)."""

    wall_s: float
    cpu_s: float
    largest_mb: float


def measure(command: Sequence[str], folder: Path) -> Cost:
    """Run a command in a folder, output thrown away, and return what it took. Bytecode of Sophia itself is cached."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    wall_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall_s, cpu_s, after.ru_maxrss / 1024)


def forget_cache(root: Path) -> None:
    """Make the next scan of a project a cold one."""
    shutil.rmtree(root / ".sophia", ignore_errors=True)


def library_project(root: Path, *, files: int | None = None, lines: int | None = None) -> int:
    """Lay out copies of the interpreter's own library until there are so many files, or lines; return the lines."""
    library = Path(sysconfig.get_path("stdlib"))
    sources = sorted(
        path
        for path in library.rglob("*.py")
        if not {"site-packages", "test", "tests", "lib2to3"} & set(path.relative_to(library).parts)
    )
    written = total = number = 0
    while (files is not None and written < files) or (lines is not None and total < lines):
        source = sources[number % len(sources)]
        target = root / f"copy_{number // len(sources)}" / source.relative_to(library)
        target.parent.mkdir(parents=True, exist_ok=True)
        data = source.read_bytes()
        target.write_bytes(data)
        number, written, total = number + 1, written + 1, total + data.count(b"\n")
    return total


def copy_of(repository: Path, root: Path) -> None:
    """Lay out a copy of a repository: a benchmark writes caches and bytecode."""
    shutil.copytree(repository, root, symlinks=True, ignore=shutil.ignore_patterns(".sophia", "__pycache__"))
