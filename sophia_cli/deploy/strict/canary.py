"""A canary: which weights give the new release its share, and whether it fails more often than the old one."""

from __future__ import annotations

import math

from sophia_cli.core.values import dataclass
from sophia_cli.deploy.strict.model import HIGHEST_WEIGHT, USUAL_WEIGHT

# A difference that chance alone makes in fewer than one of 200 looks is taken for one of the releases. The canary is
# looked at again and again, so a looser bound would take good ones back.
CHANCE = 0.005
_FEWEST_FAILURES = 2
_FEWEST_ALONE = 5


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight of the canary, and that of each of the old instances."""

    canary: int
    old: int


def weights_for(percent: int, old_instances: int) -> Weights:
    """Return the weights with which the canary gets `percent` (1 to 99) of the requests, as near as they can."""
    if old_instances == 0:
        return Weights(USUAL_WEIGHT, USUAL_WEIGHT)
    share = percent / 100

    def error(weights: Weights) -> float:
        return abs(weights.canary / (weights.canary + old_instances * weights.old) - share)

    found = [
        Weights(min(HIGHEST_WEIGHT, max(1, round(share / (1 - share) * old_instances * old))), old)
        for old in range(1, HIGHEST_WEIGHT + 1)
    ]
    return min(found, key=lambda weights: (error(weights), weights.old))


@dataclass(frozen=True, slots=True)
class Sample:
    """Requests that were answered within a time, and how many of them failed."""

    requests: int
    failed: int

    @property
    def share(self) -> float:
        """The share that failed, 0 for none at all."""
        return self.failed / self.requests if self.requests else 0.0


def is_worse(canary: Sample, old: Sample) -> bool:
    """Whether the canary fails more often than the old release does in the same time, beyond chance (Fisher's test).

    One that fails every other request of at least five is worse than anything that may stay, whatever the old one does
    not tell.
    """
    if canary.failed < _FEWEST_FAILURES or canary.share <= old.share:
        return False
    if old.requests == 0:
        return canary.requests >= _FEWEST_ALONE and canary.share > 0.5
    return chance_of(canary, old) < CHANCE


def chance_of(canary: Sample, old: Sample) -> float:
    """Return how likely so many failures of the canary are when both fail equally often: a hypergeometric tail."""
    requests, failed = canary.requests + old.requests, canary.failed + old.failed
    most = min(canary.requests, failed)
    whole = _log_choose(requests, canary.requests)
    return min(
        1.0,
        sum(
            math.exp(_log_choose(failed, hits) + _log_choose(requests - failed, canary.requests - hits) - whole)
            for hits in range(canary.failed, most + 1)
            if canary.requests - hits <= requests - failed
        ),
    )


def _log_choose(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
