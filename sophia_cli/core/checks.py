"""What `sophia verify` reports: a row for every check, what it leaves out and why, or what it would run."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.errors import ExitCode
from sophia_cli.core.values import dataclass


class CheckKind(Enum):
    """Where a check comes from; SECURITY is automatic too, but says nothing about whether the service works."""

    DECLARED = "declared"
    AUTOMATIC = "automatic"
    SECURITY = "security"
    WRITES = "writes"
    FUZZ = "fuzz"


class VerifyVerdict(Enum):
    """How a verification ended, in one word."""

    PASSED = "passed"
    FAILED = "failed"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check that ran: `message` says what was seen, also when it passed."""

    service: str
    name: str
    kind: CheckKind
    passed: bool
    message: str
    duration_ms: float


@dataclass(frozen=True, slots=True)
class SkippedCheck:
    """A check that did not run, and why."""

    service: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ListedCheck:
    """A check that would run."""

    service: str
    name: str
    kind: CheckKind


@dataclass(frozen=True, slots=True)
class CheckedService:
    """A service that was verified and where."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `sophia verify` saw; with `--list` only `listed` is filled."""

    verdict: VerifyVerdict
    exit_code: ExitCode
    duration_s: float
    services: tuple[CheckedService, ...]
    checks: tuple[CheckResult, ...] = ()
    skipped: tuple[SkippedCheck, ...] = ()
    listed: tuple[ListedCheck, ...] = ()

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)
