"""The value that stands for something this system does not offer, with the reason that `doctor` tells."""

from __future__ import annotations

from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that this system lacks or refuses: `what` names it, `reason` says why, both for a person to read."""

    what: str
    reason: str
