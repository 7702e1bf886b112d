"""What a scripted flow came to: each of its steps measured by itself, and the whole of it."""

from __future__ import annotations

from sophia_cli.core.grades import Grade
from sophia_cli.core.measurement import Latency, Measurement
from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step: `request` is its method and path, `first_failure` what the first failed one showed, if any did."""

    name: str
    request: str
    measured: Measurement
    grade: Grade | None
    first_failure: str | None


@dataclass(frozen=True, slots=True)
class FlowResult:
    """A flow under load: how often it was gone through to its end, how often a step failed, how long a whole one took.

    `latency` counts the answers of a flow only, not what its client does between them; None when none was completed.
    """

    name: str
    completed: int
    failed: int
    latency: Latency | None
    steps: tuple[FlowStep, ...]
