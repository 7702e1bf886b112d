"""The learned costs of the engine: a weight per feature; a repair costs the sum over its changes and its outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """Weights by feature name, in nats: the cost of a repair is its negative unnormalised log-probability.

    Learned by `benchmarks/learn_costs.py`. `change` weighs the features of single changes, `outcome` those of the
    finished text. `certainty` weighs the inputs of `certainty.certainty`; from `safe` on a repair counts as certain.
    `loss` is what each of the first lines of code that a repair loses costs beyond how plausible the repair is.
    """

    change: Mapping[str, float]
    outcome: Mapping[str, float]
    certainty: Mapping[str, float]
    safe: float
    loss: float

    def of_change(self, features: Mapping[str, float]) -> float:
        """Return the cost of one change."""
        weights = self.change
        return sum(weights[name] * value for name, value in features.items() if name in weights)

    def of_outcome(self, features: Mapping[str, float]) -> float:
        """Return the cost of a finished text."""
        weights = self.outcome
        return sum(weights[name] * value for name, value in features.items() if name in weights)


@cache
def learned_costs() -> Costs:
    """Return the costs that come with Sophia."""
    stored = json.loads(resources.files(__package__).joinpath("costs.json").read_text(encoding="utf-8"))
    return Costs(
        change=stored["change"],
        outcome=stored["outcome"],
        certainty=stored["certainty"],
        safe=stored["safe"],
        loss=stored["loss"],
    )
