"""Finds the rules: whatever module below `fixers/rules` has a name that does not begin with `_`."""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from sophia_cli.fixers.rule import AnyRule


@cache
def all_rules() -> tuple[AnyRule, ...]:
    """Return every rule, ordered by id."""
    from sophia_cli.fixers import rules

    found: list[AnyRule] = []
    for area in _names_in(rules):
        package = importlib.import_module(f"{rules.__name__}.{area}")
        for module in _names_in(package):
            found.append(importlib.import_module(f"{package.__name__}.{module}").RULE)
    return tuple(sorted(found, key=lambda rule: rule.id))


def _names_in(package: ModuleType) -> list[str]:
    """Return the modules and packages in a package that do not begin with `_`.

    `pkgutil.iter_modules` tells them too, but loads `inspect` for it, which every start would wait for.
    """
    entries = {entry for folder in package.__path__ for entry in os.listdir(folder)}
    names = {entry.removesuffix(".py") for entry in entries if not entry.startswith("_")}
    return sorted(name for name in names if name.isidentifier())
