"""What a scan reports, and the parts that a fix reports too: values that the renderers turn into text or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from enum import Enum

from sophia_cli.core.damage import Damage, damage_in
from sophia_cli.core.errors import ExitCode
from sophia_cli.core.findings import Finding, Severity
from sophia_cli.core.grades import Grade, Letter, Scale
from sophia_cli.core.values import dataclass

SCHEMA_VERSION = 1

# Findings per 1,000 lines: a small service (1,000 lines) with one fault is an A, with ten a D.
DENSITY_SCALE = Scale(
    "errors and warnings per 1,000 lines",
    ((Letter.A_PLUS, 0), (Letter.A, 1), (Letter.B, 3), (Letter.C, 6), (Letter.D, 12), (Letter.E, 25)),
)


class Verdict(Enum):
    """How a command ended, in one word."""

    CLEAN = "clean"
    FINDINGS = "findings"
    FIXED = "fixed"
    WOULD_CHANGE = "would-change"
    UNDONE = "undone"
    INCOMPLETE = "incomplete"
    LISTED = "listed"


class FailOn(Enum):
    """The least severity of a remaining finding that makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"

    def applies(self, findings: Sequence[Finding]) -> bool:
        """Tell whether any of these findings is severe enough."""
        if self is FailOn.NEVER:
            return False
        least = Severity(self.value).rank
        return any(finding.severity.rank >= least for finding in findings)


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A finding and what became of it: its fix stands, or the reason why it does not (None where none was asked for).

    `now` is the finding as it stands at the end, with the lines of the mended file; None when it is gone.
    `source_line` is the line that `now` stands on, for display.
    """

    finding: Finding
    now: Finding | None
    applied: bool = False
    reason: str | None = None
    source_line: str | None = None


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many findings one rule has."""

    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """How many files were left out for one reason (vendored, generated, ...)."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a scan or a fix. For a scan, `before` and `after` are the same.

    The grades are None where nothing was there to grade. `history_stopped` is why git history was not read to the end
    for some broken file, None when it was.
    """

    files: int
    files_unparsable_before: int
    files_unparsable_after: int
    lines: int
    findings: int
    fixed: int
    remaining: int
    by_rule: tuple[RuleCount, ...]
    grade: Grade | None
    grade_before: Grade | None
    skipped: tuple[Skipped, ...] = ()
    damage: tuple[Damage, ...] = ()
    history_stopped: str | None = None


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What `sophia scan` found."""

    verdict: Verdict
    exit_code: ExitCode
    duration_s: float
    summary: Summary
    findings: tuple[ReportedFinding, ...]


def grade_of(findings: Sequence[Finding], lines: int, starting: Set[str] | None = None) -> Grade:
    """Return the grade: F when an error keeps something from starting, else errors and warnings per 1,000 lines.

    `starting` are the files that the services start from and import; None where nothing says so: every file counts.
    """
    counted = [finding for finding in findings if finding.severity is not Severity.NOTE]
    density = round(1000 * len(counted) / max(lines, 1), 2)
    errors = {finding.path for finding in counted if finding.severity is Severity.ERROR}
    broken = sorted(errors if starting is None else errors & starting)
    if broken:
        others = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        files = "files have errors that stop them" if len(broken) > 1 else "has an error that stops it"
        return Grade(Letter.F, density, DENSITY_SCALE, f"{broken[0]}{others} {files} from starting")
    reason = f"{len(counted)} in {lines} lines"
    return Grade(DENSITY_SCALE.letter(density), density, DENSITY_SCALE, reason)


def summarise(
    before: Sequence[Finding],
    reported: Sequence[ReportedFinding],
    *,
    files: int,
    lines: int,
    unparsable: tuple[int, int],
    skipped: tuple[Skipped, ...] = (),
    starting: Set[str] | None = None,
    history_stopped: str | None = None,
) -> Summary:
    """Return the figures for findings and what became of them; `unparsable` is (before, after).

    `starting` are the files that services start from and import, None where that cannot be told.
    """
    remaining = [item.now for item in reported if item.now is not None]
    counts = Counter(item.finding.rule for item in reported)
    return Summary(
        files=files,
        files_unparsable_before=unparsable[0],
        files_unparsable_after=unparsable[1],
        lines=lines,
        findings=len(reported),
        fixed=len(reported) - len(remaining),
        remaining=len(remaining),
        by_rule=tuple(RuleCount(rule, count) for rule, count in sorted(counts.items())),
        grade=grade_of(remaining, lines, starting) if files or reported else None,
        grade_before=grade_of(before, lines, starting) if files or reported else None,
        skipped=skipped,
        damage=damage_in(item.finding for item in reported),
        history_stopped=history_stopped,
    )
