"""What a breaker is, and how they are found: every module of `breakers` has a tuple `BREAKERS`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

from benchmarks.corpus.source import Change, Source


@dataclass(frozen=True, slots=True)
class Breaker:
    """One way to break a file: `change` returns what to change, None where the file has no place for it.

    `weight` is its share among the breakers, from how often it was met in public repositories.
    """

    name: str
    weight: float
    change: Callable[[Source, Random], Change | None]


@cache
def all_breakers() -> tuple[Breaker, ...]:
    """Return every breaker, ordered by name."""
    from benchmarks.corpus import breakers

    found: list[Breaker] = []
    for module in pkgutil.iter_modules(breakers.__path__, breakers.__name__ + "."):
        found.extend(importlib.import_module(module.name).BREAKERS)
    return tuple(sorted(found, key=lambda breaker: breaker.name))
