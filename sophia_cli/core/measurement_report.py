"""What `sophia bench` reports: a row for every service, its grade or why it has none."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.checks import CheckResult
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.grades import Grade, Letter, Scale, worst
from sophia_cli.core.measurement import Measurement
from sophia_cli.core.measurement_comparison import Comparison
from sophia_cli.core.measurement_flow import FlowResult
from sophia_cli.core.measurement_slo import Capacity, Kept, Promised
from sophia_cli.core.values import dataclass


class BenchVerdict(Enum):
    """How a bench ended, in one word."""

    GRADED = "graded"
    REFUSED = "refused"
    BELOW_MINIMUM = "below-minimum"
    BREACHED = "slo-breached"
    WORSE = "worse"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Promise:
    """Objectives, whether they were kept, and the figures that say so."""

    objectives: tuple[Promised, ...]
    kept: Kept
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the functional checks of a service came to, after its load."""

    passed: int
    failed: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One service: measured with one connection and under load; exactly one of `grade` and `refused` is set.

    `first_ms` is the latency of the very first request. Where objectives were given, `promise` tells what the load made
    of them; `capacity` is set where it was looked for, and `loaded` is then the load at that rate; `comparison` is set
    where there was a baseline. `request` is the method, or the call, that was made; `checks` is None where
    none were run, `flow` unless it was one (`loaded` is then all requests of its steps), `run_id` when the run was not
    kept.
    """

    name: str
    url: str
    loaded: Measurement
    idle: Measurement | None
    first_ms: float
    scale: Scale
    target_ms: float
    grade: Grade | None
    refused: str | None
    promise: Promise | None = None
    capacity: Capacity | None = None
    comparison: Comparison | None = None
    request: str = "GET"
    checks: Checked | None = None
    flow: FlowResult | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class UnbenchedRow:
    """One service that could not be measured, and why."""

    name: str
    url: str
    error: SophiaError


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What `sophia bench` made of the services it was asked for, in the order in which it came to them."""

    verdict: BenchVerdict
    exit_code: ExitCode
    duration_s: float
    services: tuple[BenchRow | UnbenchedRow, ...]
    minimum: Letter | None

    @property
    def rows(self) -> tuple[BenchRow, ...]:
        """The services that were measured."""
        return tuple(row for row in self.services if isinstance(row, BenchRow))

    @property
    def grade(self) -> Letter | None:
        """The worst grade of the services; None when one of them has none."""
        letters = [row.grade.letter for row in self.rows if row.grade is not None]
        return worst(letters) if letters and len(letters) == len(self.services) else None

    @property
    def run_id(self) -> str | None:
        """The id of the kept run, of the first one where several services were measured; None when none was kept."""
        return next((row.run_id for row in self.rows if row.run_id is not None), None)
