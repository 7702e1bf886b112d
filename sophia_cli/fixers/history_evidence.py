"""What git history says about the files that a first scan found broken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sophia_cli.fixers.analysis import compile_fault
from sophia_cli.project.history.model import History, HistoryLimits
from sophia_cli.project.history.versions import last_good_versions
from sophia_cli.project.source import SourceText, decode


def compiles(data: bytes) -> bool:
    """Return whether bytes decode and compile as Python."""
    source = decode(data)
    return isinstance(source, SourceText) and compile_fault(source.text) is None


def history_for(root: Path, broken: Mapping[str, bytes], limits: HistoryLimits | None = None) -> History:
    """Return what history says about `broken` (bytes by path relative to `root`): one reading of the log for all files.

    `History.good` holds the version and the breaking commit by path. Without git or a repository it is empty.
    """
    return last_good_versions(root, broken, compiles, limits=limits)
