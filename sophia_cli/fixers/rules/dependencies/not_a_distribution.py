"""A requirement names Python itself or a module of the standard library.

## What it does

Finds entries such as `python>=3.11`, `os` or `asyncio`: the interpreter is not installed by a requirement, and
modules of the standard library come with it. `python` in a table of Poetry or in a Conda environment is right, and so
is an entry whose marker says for which Python it is meant (`dataclasses; python_version < "3.7"`).

A name under which the index holds a backport for older Pythons (`asyncio`, `dataclasses`, `enum34`) is a warning when
the project's Python has the module itself.

## Why is this bad

There is no such distribution, so that installation fails; or there is one of a stranger; or an outdated copy hides
the standard module.

## Example

```text
python>=3.11
fastapi
```

Remove the line (`requires-python` in `pyproject.toml` is the place to say it):

```text
fastapi
```

## Fix safety

Removing the entry is safe: Python brings what it names.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of
from sophia_cli.fixers.rules.dependencies._entries import entries, region, without
from sophia_cli.project.dependencies.model import Format, Requirement
from sophia_cli.project.dependencies.names import INTERPRETERS
from sophia_cli.project.dependencies.standard_library import ADDED_IN, is_standard

# Backports on the index, the module that they stand for and the first Python that has it.
_BACKPORTS = {
    "argparse": ("argparse", (3, 2)),
    "asyncio": ("asyncio", (3, 4)),
    "contextvars": ("contextvars", (3, 7)),
    "dataclasses": ("dataclasses", (3, 7)),
    "enum34": ("enum", (3, 4)),
    "functools32": ("functools", (3, 2)),
    "futures": ("concurrent.futures", (3, 2)),
    "hashlib": ("hashlib", (3, 0)),
    "ipaddress": ("ipaddress", (3, 3)),
    "multiprocessing": ("multiprocessing", (3, 0)),
    "ordereddict": ("collections", (3, 1)),
    "pathlib": ("pathlib", (3, 4)),
    "selectors": ("selectors", (3, 4)),
    "statistics": ("statistics", (3, 4)),
    "typing": ("typing", (3, 5)),
    "unittest": ("unittest", (3, 0)),
    "uuid": ("uuid", (3, 0)),
    "wsgiref": ("wsgiref", (3, 0)),
    "zipfile36": ("zipfile", (3, 6)),
}
# Distributions of their own right that share a name with a standard module.
_REAL = frozenset(
    {"configparser", "test", "wave", "parser", "formatter", "pip", "setuptools", "profile", "code", "symbol"}
)


def check(view: ProjectView) -> Iterator[Finding]:
    """Yield a finding for each entry that names no distribution to install."""
    for declaration, requirement in entries(view):
        is_conda = requirement.is_conda or declaration.format is Format.CONDA
        if is_conda or requirement.url is not None or requirement.marker:
            continue
        found = _reason(requirement, view.python)
        if found is None:
            continue
        severity, reason = found
        if requirement.name in _BACKPORTS and _is_imported(view, requirement.name):
            continue
        yield finding_of(
            RULE,
            declaration.path,
            region(requirement),
            reason,
            severity=severity,
            data={"requirement": requirement.name, "distribution": requirement.name},
            fix=without(declaration, requirement, reason),
        )


def _reason(requirement: Requirement, python: tuple[int, int]) -> tuple[Severity, str] | None:
    name = requirement.name
    if name in INTERPRETERS:
        return Severity.ERROR, f"`{requirement.written}` is the interpreter, which no requirement installs"
    if name in _BACKPORTS:
        module, since = _BACKPORTS[name]
        if python < since:
            return None
        return Severity.WARNING, f"Python brings `{module}`; the distribution `{name}` is a copy for older versions"
    module = name.replace("-", "_")
    if name in _REAL or not is_standard(module) or module in ADDED_IN:
        return None
    return Severity.ERROR, f"`{requirement.written}` is a module of the standard library, which no requirement installs"


def _is_imported(view: ProjectView, name: str) -> bool:
    """Whether code asks for the backport by its own name, which the standard library does not have."""
    if is_standard(name):
        return False
    return any(item.fact.module.partition(".")[0] == name for item in view.graph.imports)


RULE = ProjectRule(
    id="SPH304",
    name="not-a-distribution",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="A requirement names Python itself or a module of the standard library",
    check=check,
    manual=__doc__ or "",
)
