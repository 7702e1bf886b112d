"""A real git repository to test against, driven with a configuration of its own."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sophia_cli.fixers.history_evidence import history_for
from sophia_cli.project.history.model import History, HistoryLimits

GOOD = '''"""Totals."""


def total(prices: list[float], tax: float) -> float:
    """Return the sum with tax."""
    net = sum(
        price
        for price in prices
        if price > 0
    )
    return net * (1 + tax)


def average(prices: list[float]) -> float:
    """Return the mean."""
    return total(prices, 0) / len(prices)
'''
BROKEN = GOOD.replace("    )\n", "")
WORSE = BROKEN.replace("def average(", "def average(extra, ")


@dataclass
class GitProject:
    """A checkout in which tests make history."""

    root: Path
    ticks: int = 0

    def git(self, *arguments: str, check: bool = True) -> str:
        """Run git here and return its output."""
        self.ticks += 1
        stamp = f"{1_700_000_000 + self.ticks * 60} +0000"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@localhost",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@localhost",
            "GIT_AUTHOR_DATE": stamp,
            "GIT_COMMITTER_DATE": stamp,
        }
        switches = ["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", "-c", "gc.auto=0"]
        command = ["git", *switches, *arguments]
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, check=check)
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, path: str, text: str | bytes) -> None:
        """Write a file of the checkout."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self, title: str, **files: str) -> str:
        """Write `files` (`__` stands for a slash, `.py` is added), commit everything, return the commit."""
        for name, text in files.items():
            self.write(name.replace("__", "/") + ".py", text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", title)
        return self.git("rev-parse", "HEAD")

    def history(self, *paths: str, limits: HistoryLimits | None = None) -> History:
        """Return what history says about files as they stand in the checkout."""
        return history_for(self.root, {path: (self.root / path).read_bytes() for path in paths}, limits)


def make_project(root: Path) -> GitProject:
    """Return a checkout without commits."""
    root.mkdir(parents=True, exist_ok=True)
    project = GitProject(root)
    project.git("init", "-q")
    return project
