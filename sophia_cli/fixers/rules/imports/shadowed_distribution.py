"""A local module that hides a module of the standard library or of a dependency.

## What it does
Reports modules and packages of the project that lie where Python looks first (the project root, a source root, the
folder of a script) and have the name of a standard module, or of a dependency that the project imports.

## Why is this bad
Every `import` of that name gets the local file, also in other people's code, which then fails in places far away.

## Example
A file `logging.py` beside the script that is started:

```python
import logging

logging.getLogger("shop")
```

## Fix safety
There is no fix: renaming a module changes every import of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.rules.imports._findings import finding_at
from sophia_cli.project.code.facts import Place
from sophia_cli.project.imports.shadows import shadows


def check(view: ProjectView) -> Iterator[Finding]:
    for shadow in shadows(view.graph):
        kind = "standard module" if shadow.is_standard else "dependency"
        yield finding_at(
            RULE,
            shadow.path,
            Place(1, 1, 1, 1),
            f"this hides the {kind} `{shadow.name}` from programs that look for modules in `{shadow.root or '.'}`",
            {"hides": shadow.name, "kind": "standard" if shadow.is_standard else "distribution"},
        )


RULE = ProjectRule(
    id="SPH205",
    name="shadowed-distribution",
    category=Category.SUSPICIOUS,
    severity=Severity.WARNING,
    summary="a local module that hides a standard module or a dependency",
    check=check,
    manual=__doc__,
)
