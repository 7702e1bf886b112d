"""How many processors there are to work with."""

from __future__ import annotations

import os


def usable_processors() -> int:
    """Return how many processors this process may use; where the system does not say, how many there are."""
    may = getattr(os, "sched_getaffinity", None)
    return (os.cpu_count() or 1) if may is None else len(may(0))
