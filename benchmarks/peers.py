"""Other people's checkers: where they are, and what they say of a folder, kept so that they are asked once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sophia_cli.project.imports.modules import ModuleMap


def executable(name: str, folder: Path | None) -> str | None:
    """Return the command of a peer in a folder, or on PATH without one; None where it is not there."""
    return shutil.which(name, path=None if folder is None else str(folder))


def answer(command: Sequence[str], sources: Path, kept: Path | None) -> str:
    """Return what a command prints in a folder: from `kept` where it was asked before, else asked now and kept."""
    if kept is not None and kept.is_file():
        return kept.read_text("utf-8")
    done = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(done.stdout, "utf-8")
    return done.stdout


def sophia_findings(sources: Path, selection: str) -> list[dict[str, object]]:
    """Return the findings that `sophia scan` has of a folder; raises SystemExit where it did not get to an end."""
    command = [sys.executable, "-P", "-m", "sophia_cli", "scan", "--json", "--select", selection, "."]
    done = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    document = json.loads(done.stdout or "{}")
    if "findings" not in document:
        raise SystemExit(f"the scan of {sources} failed: {done.stderr or done.stdout}")
    findings: list[dict[str, object]] = document["findings"]
    return findings


def top_names(sources: Path) -> frozenset[str]:
    """Return the names of modules and packages that lie in a folder which is itself no package."""
    modules = ModuleMap(path.relative_to(sources).as_posix() for path in sources.rglob("*.py"))
    return frozenset(
        name for folder in modules.folders if not modules.is_package(folder) for name in modules.names_in(folder)
    )


def plain(name: str) -> str:
    """Return a distribution's name in the one spelling that all others are equal to."""
    return re.sub(r"[-_.]+", "-", name).lower()
