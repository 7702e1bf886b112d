"""What the results of a scan depend on beside the files: the name under which they are cached."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sophia_cli import __version__

if TYPE_CHECKING:
    from sophia_cli.fixers.rule import AnyRule


def scan_key(rules: Sequence[AnyRule], python: tuple[int, int]) -> str:
    """Return the key of a scan cache for these rules and the project's Python version.

    It names Sophia's version and the very state of its code, the interpreter (its compiler decides what is valid) and
    the rules, so that a result is never taken from a Sophia that would have found something else.
    """
    names = ",".join(rule.id for rule in rules)
    return f"{facts_key(python)} {names}"


def facts_key(python: tuple[int, int]) -> str:
    """Return the key of what files say to others, which no rule has a part in."""
    interpreter = f"{sys.implementation.name}-{'.'.join(map(str, sys.version_info[:3]))}"
    return f"{__version__} {_code_state()} {interpreter} {python[0]}.{python[1]}"


def _code_state() -> str:
    """Return a number that changes when a file of the analysis changes; installed code costs a few file lookups."""
    package = Path(__file__).parent.parent
    return f"{hash(tuple(_stamps(package))) & 0xFFFFFFFFFFFFFFFF:016x}"


def _stamps(package: Path) -> Iterator[tuple[int, int]]:
    pending = [os.path.join(package, name) for name in ("fixers", "core")]
    rooms = ("calls", "code", "dependencies", "history", "imports")
    pending += [os.path.join(package, "project", room) for room in rooms]
    yield _stamp(os.stat(os.path.join(package, "project", "source.py")))
    yield _stamp(os.stat(os.path.join(package, "project", "files", "classify.py")))
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name == "__pycache__":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    yield _stamp(entry.stat(follow_symlinks=False))


def _stamp(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns
