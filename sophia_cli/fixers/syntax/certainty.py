"""How sure a repair is: the learned probability that a person would have made the very same change."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

MARGIN = 5.0
"""The largest lead over the next candidate that counts, in nats; also the lead where there is no other candidate."""

_LEAST = -3.0  # a candidate that only leads because others lose code
_INDENTATION = ("indent-", "tabs-")

Operation = tuple[str, str, str]
"""What a change does: its operation, the variant of it, and the token it is about."""


def certainty_inputs(margin: float, operations: Sequence[Operation]) -> dict[str, float]:
    """Return what the certainty is judged by: the lead over the next candidate in nats, whether the changes are of
    several kinds or one is made again, what they do, and the lead once more where lines are reindented, for there it
    tells more.
    """
    kinds = sorted(set(operations))
    share = 1.0 / len(kinds) if kinds else 0.0
    lead = max(_LEAST, min(margin, MARGIN))
    indents = share * sum(op.startswith(_INDENTATION) for op, _, _ in kinds)
    inputs = {"any": 1.0, "lead": lead, "indents": indents, "lead-indents": lead * indents}
    if len(kinds) > 1:
        inputs["several"] = 1.0
    if len(kinds) < len(operations):
        inputs["again"] = 1.0
    for op, detail, token in kinds:
        for name in (op, f"{op}:{detail}", f"{op}:{detail}:{token}" if token else ""):
            if name:
                inputs[name] = inputs.get(name, 0.0) + share
    return inputs


def certainty(margin: float, operations: Sequence[Operation], weights: Mapping[str, float]) -> float:
    """Return the probability, 0 to 1, that the best candidate is right: a logistic function of its inputs."""
    z = sum(weights.get(name, 0.0) * value for name, value in certainty_inputs(margin, operations).items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))
