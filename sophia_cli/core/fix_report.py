"""What `sophia fix` reports; apart from `core.report`, since a scan is to start fast."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.errors import ExitCode
from sophia_cli.core.findings import Finding
from sophia_cli.core.packages import PackagesReport
from sophia_cli.core.plan import Plan, titles_of
from sophia_cli.core.report import ReportedFinding, Summary, Verdict
from sophia_cli.core.values import dataclass

# Why a finding remains whose fix only `--unsafe` makes.
UNSAFE_NEEDED = "its fix is unsafe; apply it with `--unsafe`"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Fixes that were tried and did not stand, and why."""

    findings: tuple[Finding, ...]
    reason: str

    @property
    def title(self) -> str:
        """The titles of the fixes, in one line."""
        return titles_of(self.findings)


class CheckResult(Enum):
    """What the user's check command says when the fixes stand."""

    PASSED = "passed"
    FAILED_BEFORE = "failed-before"
    FAILED = "failed"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The user's check command: whether it passed before and at the end, how often it ran, its last output.

    `steady` is false when it both failed and passed on the same files. `altered` are files of the run that changed
    while it ran after the fixes: they hold more than Sophia wrote.
    """

    command: str
    result: CheckResult
    passed_before: bool | None
    passed_after: bool | None
    runs: int
    output: str
    steady: bool = True
    altered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FixReport:
    """What `sophia fix` did or, in a dry run, would do: `plan` is the very object that is executed.

    `findings` are those before the run and those it revealed. `settled` is false when the rounds ran out. `undo_in` is
    the project root when `sophia undo` does not find it from the current folder. `packages` is for `--install`.
    `unlinked` are changed files that had several hard links: the other names keep the old bytes.
    """

    verdict: Verdict
    exit_code: ExitCode
    duration_s: float
    run_id: str | None
    undo_in: str | None
    dry_run: bool
    summary: Summary
    findings: tuple[ReportedFinding, ...]
    plan: Plan
    taken_back: tuple[TakenBack, ...]
    rounds: int
    settled: bool
    recovered: tuple[str, ...] = ()
    check: CheckReport | None = None
    packages: PackagesReport | None = None
    unlinked: tuple[str, ...] = ()
