"""What tests see of an agent: whether it runs, its incidents, and what a command said of the services."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import LIMIT_S


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command: its exit code, the document it printed, and what it said about the work."""

    code: int
    document: dict[str, Any]  # JSON of any shape
    stderr: str

    def service(self, name: str) -> dict[str, Any]:  # JSON of any shape
        """Return the row of a service."""
        return next(row for row in self.document["services"] if row["name"] == name)


def runs_agent(pid: int, root: Path) -> bool:
    """Whether that process is the agent of a project."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"sophia_cli.agent" in words and os.fsencode(root.resolve()) in words


def state_rows(root: Path, statement: str, *values: str) -> list[tuple[Any, ...]]:  # rows of any shape
    """Return what a question to the agent's state is answered with."""
    with contextlib.closing(sqlite3.connect(root / ".sophia" / "agent.sqlite", timeout=LIMIT_S)) as connection:
        return list(connection.execute(statement, values))


def incidents_of(root: Path, service: str) -> list[tuple[str, str | None]]:
    """Return causes and outcomes of a service's incidents, oldest first."""
    rows = state_rows(root, "SELECT cause, outcome FROM incidents WHERE service = ? ORDER BY number", service)
    return [(str(cause), outcome) for cause, outcome in rows]
