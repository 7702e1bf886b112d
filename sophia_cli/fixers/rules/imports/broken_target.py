"""An import of a file of the project that does not compile.

## What it does
Reports imports that lead to a Python file of the project with a syntax error.

## Why is this bad
Importing it raises SyntaxError, so the importing file cannot start either, and whoever imports that one.

## Example
`prices.py` ends in the middle of a statement:

```python
from shop.prices import total
```

## Fix safety
There is no fix here: mend the file that is named; its own finding tells how.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.rules.imports._findings import circumstances, finding_at, judged, severity_of
from sophia_cli.project.imports.model import Import


def check(view: ProjectView) -> Iterator[Finding]:
    for item in judged(view):
        for broken in item.broken:
            module = _module(item, broken)
            yield finding_at(
                RULE,
                item.importer,
                item.fact.place,
                f"`{module}` cannot be imported: `{broken}` does not compile",
                {"module": module, "target": broken, **circumstances(item)},
                severity=severity_of(item),
            )


def _module(item: Import, broken: str) -> str:
    """Return the dotted name of the broken file: the module, or the one of its submodules that is imported."""
    if any(target.path == broken for target in item.resolution.targets):
        return item.resolution.module
    name = broken.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
    return f"{item.resolution.module}.{name}"


RULE = ProjectRule(
    id="SPH203",
    name="broken-target",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="an import of a file of the project that does not compile",
    check=check,
    manual=__doc__,
    without_fix="goes once that file compiles",
)
