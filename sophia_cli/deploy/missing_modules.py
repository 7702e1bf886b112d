"""What a Python process that ended for want of a module says about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_MISSING = re.compile(r"ModuleNotFoundError: No module named '(?P<module>[\w.]+)'")


def missing_module(lines: Sequence[str]) -> str | None:
    """Return the module that the last of some log lines says is missing, None when none does."""
    for line in reversed(lines):
        match = _MISSING.search(line)
        if match is not None:
            return match["module"]
    return None


def explained(module: str, distributions: Sequence[str], locked: Mapping[str, str]) -> str:
    """Return what to install for a missing module, in words; `locked` are the versions that a release was made with."""
    known = [name for name in distributions if name in locked]
    if known:
        name = known[0]
        return f"module `{module}` is missing: `{name}` {locked[name]} was there when the release was made and is gone"
    if distributions:
        names = " or ".join(f"`{name}`" for name in distributions)
        return f"module `{module}` is missing; {names} provides it and is not installed where the service runs"
    return f"module `{module}` is missing, and no distribution is known to provide it"


def distributions_for(module: str, locked: Mapping[str, str]) -> tuple[str, ...]:
    """Return the distributions that may provide a module: those of the curated table, then a locked one of its name."""
    # The table is large and a process that lacks a module is rare.
    from sophia_cli.project.dependencies.import_names import import_names

    found = import_names().find(module)
    named = module.partition(".")[0].replace("_", "-").lower()
    same = (named,) if named in locked else ()
    return tuple(dict.fromkeys((*same, *(() if found is None else found.distributions))))
