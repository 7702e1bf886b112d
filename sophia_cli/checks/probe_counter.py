"""From the results of a probe, one after the other, to healthy or unhealthy: pure, without a clock."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass, replace


class Health(Enum):
    """What a probe's results say; UNKNOWN until they say something."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class ProbeCounter:
    """Where a probe stands: `failures` in a row make it unhealthy, `successes` in a row healthy.

    Failures in the first `start_period_s` seconds after the start do not count, unless it was healthy already: what
    has answered once has booted. `passed_in_row` and `failed_in_row` are counted up to the thresholds.
    """

    failures: int
    successes: int = 1
    start_period_s: float = 0.0
    health: Health = Health.UNKNOWN
    passed_in_row: int = 0
    failed_in_row: int = 0
    has_been_healthy: bool = False

    def next(self, passed: bool, since_start_s: float) -> ProbeCounter:
        """Return the counter after one more result, `since_start_s` seconds after the instance was started."""
        if passed:
            in_row = min(self.passed_in_row + 1, self.successes)
            is_healthy = in_row >= self.successes
            return replace(
                self,
                passed_in_row=in_row,
                failed_in_row=0,
                health=Health.HEALTHY if is_healthy else self.health,
                has_been_healthy=self.has_been_healthy or is_healthy,
            )
        if since_start_s < self.start_period_s and not self.has_been_healthy:
            return replace(self, passed_in_row=0, failed_in_row=0)
        in_row = min(self.failed_in_row + 1, self.failures)
        return replace(
            self,
            passed_in_row=0,
            failed_in_row=in_row,
            health=Health.UNHEALTHY if in_row >= self.failures else self.health,
        )
