"""A Python file with what it says about services."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.project.discovery.python.facts import PythonFacts


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A Python file: its path, its text by lines, and what it says."""

    path: str
    lines: Sequence[str]
    facts: PythonFacts

    def text(self, line: int) -> str:
        """Return a line of the file."""
        return self.lines[line - 1].strip() if line <= len(self.lines) else ""

    @property
    def folder(self) -> str:
        """The folder that the file lies in."""
        return self.path.rpartition("/")[0]

    @property
    def is_started(self) -> bool:
        """Whether running the file starts something: it has a main block, is a `__main__`, or starts it right away."""
        facts = self.facts
        return facts.main_line is not None or facts.script_line is not None or self.path.endswith("__main__.py")
