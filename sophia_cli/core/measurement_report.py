"""What `sophia bench` reports: a row for every service, its grade or why it has none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sophia_cli.core.errors import ExitCode
from sophia_cli.core.grades import Grade, Letter, Scale, worst
from sophia_cli.core.measurement import Measurement
from sophia_cli.core.measurement_comparison import Comparison
from sophia_cli.core.measurement_slo import Capacity, Kept, Objective


class BenchVerdict(Enum):
    """How a bench ended, in one word."""

    GRADED = "graded"
    REFUSED = "refused"
    BELOW_MINIMUM = "below-minimum"
    BREACHED = "slo-breached"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Promise:
    """Latency objectives, whether they were kept, and the figures that say so."""

    objectives: tuple[Objective, ...]
    kept: Kept
    reason: str


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One service: measured with one connection and under load; exactly one of `grade` and `refused` is set.

    `first_ms` is the latency of the very first request. Where objectives were given, `promise` tells what the load made
    of them; `capacity` is set where it was looked for, and `loaded` is then the load at that rate; `comparison` is set
    where there was a baseline.
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


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What `sophia bench` measured; `run_id` is None when the run was not kept."""

    verdict: BenchVerdict
    exit_code: ExitCode
    duration_s: float
    rows: tuple[BenchRow, ...]
    minimum: Letter | None
    run_id: str | None = None

    @property
    def grade(self) -> Letter | None:
        """The worst grade of the rows; None when one of them was refused or there is none."""
        letters = [row.grade.letter for row in self.rows if row.grade is not None]
        return worst(letters) if letters and len(letters) == len(self.rows) else None
