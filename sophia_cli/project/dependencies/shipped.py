"""Which modules common distributions ship, for projects whose environment is not there to be looked at."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache

Shipped = Mapping[str, frozenset[str]]
"""Dotted names of modules by normalised distribution name. Private modules and tests are not among them."""


def modules_of(distribution: str) -> frozenset[str]:
    """Return the modules that a distribution (normalised name) ships, none for one that is not in the table."""
    return _table().get(distribution, frozenset())


def parse_shipped(text: str) -> Shipped:
    """Read the table: distribution, version, top of the import name, what lies below it; separated by tabs."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            distribution, _, top, below = line.split("\t")
            modules = found.setdefault(distribution, set())
            modules.add(top)
            modules.update(f"{top}.{rest}" for rest in below.split(" ") if rest)
    return {distribution: frozenset(modules) for distribution, modules in found.items()}


@cache
def _table() -> Shipped:
    data = pkgutil.get_data("sophia_cli.project.dependencies", "shipped_modules.txt")
    return parse_shipped((data or b"").decode("utf-8"))
