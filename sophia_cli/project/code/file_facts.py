"""All facts of one file, and their way into a cache and back."""

from __future__ import annotations

from dataclasses import dataclass

from sophia_cli.project.code.calls import CallSurface
from sophia_cli.project.code.facts import ModuleSurface


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One Python file. `compiles` is false for one that does not; its surface is then read from the broken text.

    `is_scanned` is false for a file that Sophia does not report on (a fixture, generated or vendored code): others may
    import it all the same.
    """

    path: str
    surface: ModuleSurface
    calls: CallSurface
    compiles: bool = True
    is_scanned: bool = True
