"""What a rule sees of one file: values only, made before any rule runs."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.syntax.limits import is_too_deep
from sophia_cli.fixers.syntax.model import Origin, Repair, SyntaxFault
from sophia_cli.project.history.model import NeverCompiled
from sophia_cli.project.source import SourceText, UndecodableSource

if TYPE_CHECKING:
    import ast


class Obstacle(Enum):
    """Why nobody looked at a file's content."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class FileView:
    """One Python file.

    `data` is None where an `obstacle` stood in the way; `obstacle_reason` says what (for TOO_LARGE the size in bytes).
    `not_python` names what stands behind a Python name instead of Python (`HTML`). `fault` is the first thing the
    compiler objects to, None for a file that compiles; `repair` is what the engine found for it. `needs_python` is the
    Python version that the file is valid for when that is newer than the project's, and `repair` then its older
    spelling, None where there is none. `origin` is the commit that broke the file, where history knows it;
    `never_compiled` the one that added it broken; `damage` what was done to it as to many others. `named` is true when
    the user named this very file. `tree` is there for a file that compiles where facts were asked for, unless it is so
    large or so deep that no tree was made.
    """

    path: str
    data: bytes | None
    obstacle: Obstacle | None = None
    obstacle_reason: str = ""
    source: SourceText | UndecodableSource | None = None
    fault: SyntaxFault | None = None
    repair: Repair | None = None
    origin: Origin | None = None
    never_compiled: NeverCompiled | None = None
    damage: tuple[str, ...] = ()
    named: bool = False
    needs_python: tuple[int, int] | None = None
    python_2: bool = False
    not_python: str | None = None
    tree: ast.Module | None = field(default=None, compare=False, repr=False)

    @property
    def is_repairable(self) -> bool:
        """Whether the file is Python 3 text that does not compile, and not merely too much for the compiler."""
        return self.fault is not None and not self.python_2 and self.not_python is None and not is_too_deep(self.fault)
