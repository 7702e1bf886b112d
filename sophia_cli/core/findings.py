"""Rules' results as values: Finding, Fix and Edit, with their closed sets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from sophia_cli.core.values import dataclass, field

Fact = str | int | float | bool | None | tuple[str, ...]


class Severity(Enum):
    """How bad a finding is: an error keeps something from starting or is wrong."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """Order from harmless (0) to worst (2)."""
        return {"note": 0, "warning": 1, "error": 2}[self.value]


class Category(Enum):
    """What a rule is about."""

    CORRECTNESS = "correctness"
    SUSPICIOUS = "suspicious"
    CONFIG = "config"
    SECURITY = "security"
    PERFORMANCE = "performance"
    MODERNIZE = "modernize"


class Safety(Enum):
    """When a fix may be applied: always, on `--unsafe`, or never by us."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"

    @property
    def rank(self) -> int:
        """Order from safe (0) to manual (2)."""
        return {"safe": 0, "unsafe": 1, "manual": 2}[self.value]


@dataclass(frozen=True, slots=True)
class Region:
    """Where a finding stands: lines and columns from 1, columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the half-open byte range [start, end) of the original file `path` with `replacement`."""

    path: str
    start: int
    end: int
    replacement: bytes


@dataclass(frozen=True, slots=True)
class Fix:
    """A proposed change.

    `confidence` is the estimated probability, 0 to 1, that a person would have made this very change.
    Fixes with the same `group` stand or fall together: they are applied all or not at all.
    A manual fix carries no edits that Sophia applies; `alternatives` holds the best candidates, described.
    """

    title: str
    safety: Safety
    edits: tuple[Edit, ...]
    evidence: tuple[str, ...]
    confidence: float
    group: str | None = None
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One hit of a rule. `path` is relative to the project root and uses `/`; `data` holds the rule's own facts."""

    rule: str
    name: str
    category: Category
    severity: Severity
    path: str
    region: Region
    message: str
    data: Mapping[str, Fact] = field(default_factory=dict)
    fix: Fix | None = None
    revealed: bool = False

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """The order in which findings are reported."""
        return (self.path, self.region.line, self.region.column, self.rule)
