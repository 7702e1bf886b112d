"""An agent whose wall clock is moved by a file: `python agent_with_clock.py ROOT FILE`, FILE holds seconds."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

from sophia_cli.agent.daemon import run_agent
from sophia_cli.project.clock import SystemClock


class MovedClock(SystemClock):
    """The clock of the machine, moved by so many seconds."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=float(self._file.read_text() or 0))


if __name__ == "__main__":
    run_agent(Path(sys.argv[1]), lambda: None, in_foreground=False, clock=MovedClock(Path(sys.argv[2])))
