"""The installed `sophia` command, run in a checkout as a user does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIMEOUT_S = 120


@dataclass
class Sophia:
    """Runs commands in one folder; each git that they start leaves a line in a log."""

    root: Path
    tools: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def gits(self) -> int:
        """How many times git was started so far."""
        return len((self.tools / "starts").read_text().splitlines())

    def run(self, *arguments: str, codes: tuple[int, ...] = (0, 1)) -> subprocess.CompletedProcess[str]:
        """Run a command; it must end with one of `codes`."""
        path = f"{self.tools}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "NO_COLOR": "1", **self.environment}
        done = subprocess.run(
            [str(Path(sys.executable).with_name("sophia")), *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode in codes, done.stdout + done.stderr
        return done

    def json(self, *arguments: str) -> dict[str, Any]:  # Any: the document is checked against its schema elsewhere
        """Return the document that a command prints."""
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json").stdout)
        return document


def make_sophia(root: Path, tools: Path) -> Sophia:
    """Return the command for a folder, with a git in `tools` that counts how often it is started."""
    tools.mkdir()
    log = tools / "starts"
    log.write_text("")
    program = tools / "git"
    program.write_text(f'#!/bin/sh\necho start >> "{log}"\nexec "{shutil.which("git")}" "$@"\n')
    program.chmod(0o755)
    return Sophia(root, tools)


def facts(document: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the data of the one finding in a file."""
    (finding,) = [finding for finding in document["findings"] if finding["path"] == path]
    data: dict[str, Any] = finding["data"]
    return data
