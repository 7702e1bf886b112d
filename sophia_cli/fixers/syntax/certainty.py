"""How sure a repair is: the learned probability that a person would have made the very same change."""

from __future__ import annotations

import math
from collections.abc import Sequence

MARGIN = 6.0
"""The largest lead over the next candidate that counts, in nats; also the lead where there is no other candidate."""

_FAMILIES = (
    ("indent", ("indent-", "tabs-")),
    ("bracket", ("close-bracket", "delete-bracket", "replace-bracket", "open-bracket")),
    ("add", ("add-", "insert-token", "split-line", "join-lines", "move-line")),
    ("string", ("close-string", "open-string", "fix-quotes", "delete-quotes", "strip-prefix")),
    ("take", ("delete-token", "replace-token", "keyword-typo")),
)


def certainty_inputs(margin: float, cost: float, operations: Sequence[str]) -> list[float]:
    """Return what the certainty is judged by: the lead over the next candidate and the cost, both in nats, how many
    changes there are, and which families of operations they belong to."""
    inputs = [1.0, min(margin, MARGIN), cost, float(len(operations))]
    for _, prefixes in _FAMILIES:
        inputs.append(1.0 if any(operation.startswith(prefixes) for operation in operations) else 0.0)
    return inputs


def certainty(margin: float, cost: float, operations: Sequence[str], weights: Sequence[float]) -> float:
    """Return the probability, 0 to 1, that the best candidate is right: a logistic function of its inputs."""
    z = sum(w * x for w, x in zip(weights, certainty_inputs(margin, cost, operations), strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))
