"""A declaration of dependencies cannot be read.

## What it does

Finds what an installer refuses or passes over in the files that declare dependencies: half-written requirements,
includes (`-r`, `-c`, groups) of what does not exist or that lead in a circle, the table that `pip list` prints under
the name of a requirements file, a `setup.py` that does not compile, a `setup.cfg` or a `pyproject.toml` that nothing
reads, a lock file that was cut off, a merge that was not finished.
Distributions in the project's environment whose metadata is damaged are one note, at the first declaration.

## Why is this bad

Installation fails, or goes on without what stands there.

## Example

```text
fastapi>=
```

Say which versions, or none:

```text
fastapi
```

## Fix safety

There is no fix: what was meant is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Region, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import AT_TOP, ProjectRule, finding_of


def check(view: ProjectView) -> Iterator[Finding]:
    """Yield a finding for each part of a declaration that could not be read."""
    for problem in view.dependencies.declared.problems:
        yield finding_of(RULE, problem.path, Region(problem.line, 1, problem.line, 1), problem.message)
    environment = view.dependencies.environment
    path = min(view.dependencies.declared.files, default=None)
    if environment.problems and path is not None:
        more = f" (and {len(environment.problems) - 1} more)" if len(environment.problems) > 1 else ""
        yield finding_of(
            RULE,
            path,
            AT_TOP,
            f"in the project's environment, {environment.problems[0].message}{more}",
            severity=Severity.NOTE,
        )


RULE = ProjectRule(
    id="SPH306",
    name="unreadable-requirement",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    summary="A declaration of dependencies cannot be read",
    check=check,
    manual=__doc__ or "",
)
