"""How sure a repair is: the learned probability that a person would have made the very same change."""

from __future__ import annotations

import math
from collections.abc import Sequence

MARGIN = 5.0
"""The largest lead over the next candidate that counts, in nats; also the lead where there is no other candidate."""

_INDENTATION = ("indent-", "tabs-")


def certainty_inputs(margin: float, operations: Sequence[str]) -> list[float]:
    """Return what the certainty is judged by: the lead over the next candidate in nats, whether there are several
    changes, and the lead once more where lines are reindented, for there it tells more than elsewhere."""
    lead = min(margin, MARGIN)
    indents = any(operation.startswith(_INDENTATION) for operation in operations)
    return [1.0, lead, float(len(operations) > 1), float(indents), lead if indents else 0.0]


def certainty(margin: float, operations: Sequence[str], weights: Sequence[float]) -> float:
    """Return the probability, 0 to 1, that the best candidate is right: a logistic function of its inputs."""
    z = sum(w * x for w, x in zip(weights, certainty_inputs(margin, operations), strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))
