"""What a rule is: one module each, `RULE` inside, its docstring the manual page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING

from sophia_cli.core.findings import Category, Fact, Finding, Fix, Region, Severity
from sophia_cli.core.values import dataclass
from sophia_cli.fixers.view import FileView

if TYPE_CHECKING:
    from sophia_cli.fixers.project_view import ProjectView


class Reads(Enum):
    """What a rule's check looks at; the runner gives it that and nothing more."""

    BYTES = "bytes"
    SYNTAX = "syntax"
    PROJECT = "project"


NO_FIX = "no fix is known"


@dataclass(frozen=True, slots=True)
class Rule:
    """One check: `check` is pure (no IO, no clock) and yields findings for one file.

    `without_fix` says why a finding remains for which there is no fix.
    """

    id: str
    name: str
    category: Category
    severity: Severity
    summary: str
    reads: Reads
    check: Callable[[FileView], Iterable[Finding]]
    manual: str
    without_fix: str = NO_FIX


@dataclass(frozen=True, slots=True)
class ProjectRule:
    """One check of what files say about one another: `check` is pure and yields findings for any file.

    `without_fix` says why a finding remains for which there is no fix.
    """

    id: str
    name: str
    category: Category
    severity: Severity
    summary: str
    check: Callable[[ProjectView], Iterable[Finding]]
    manual: str
    reads: Reads = Reads.PROJECT
    without_fix: str = NO_FIX


AnyRule = Rule | ProjectRule

# Where a finding about a file as a whole stands.
AT_TOP = Region(1, 1, 1, 1)


def finding_of(
    rule: AnyRule,
    path: str,
    region: Region,
    message: str,
    data: Mapping[str, Fact] | None = None,
    *,
    severity: Severity | None = None,
    fix: Fix | None = None,
) -> Finding:
    """Return a finding of `rule`, as severe as the rule where nothing else is said."""
    return Finding(
        rule=rule.id,
        name=rule.name,
        category=rule.category,
        severity=severity or rule.severity,
        path=path,
        region=region,
        message=message,
        data=data or {},
        fix=fix,
    )
