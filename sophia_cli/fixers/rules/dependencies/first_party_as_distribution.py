"""A requirement names the project's own module.

## What it does

Finds entries that ask the package index for something that the project itself holds: a name that its files import and
that leads to a module of the project, while no distribution of that name is known, locked or installed. Entries with
a path or URL, the distributions that the project itself makes and members of a workspace are left out.

## Why is this bad

The module is not on the index. Installation fails; or, once a stranger registers the name, the stranger's code is
installed.

## Example

In `requirements.txt`, next to a folder `billing` that the code imports:

```text
fastapi
billing
```

Remove the line:

```text
fastapi
```

## Fix safety

Removing the entry is safe: the import leads to the project's own module without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of
from sophia_cli.fixers.rules.dependencies._entries import entries, region, without
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.imports.model import Kind, Outcome


def check(view: ProjectView) -> Iterator[Finding]:
    """Yield a finding for each entry that names a module of the project."""
    own: dict[str, str] | None = None
    dependencies = view.dependencies
    for declaration, requirement in entries(view):
        if requirement.url is not None or requirement.name in dependencies.own:
            continue
        if requirement.name in dependencies.environment.distributions or requirement.name in dependencies.locked:
            continue
        if dependencies.names.imports_of(requirement.name):
            continue
        if own is None:
            own = _own_modules(view)
        place = own.get(requirement.name)
        if place is None:
            continue
        yield finding_of(
            RULE,
            declaration.path,
            region(requirement),
            f"`{requirement.written}` is the project's own module (`{place}`), not a distribution to install",
            data={"distribution": requirement.name, "module": place},
            fix=without(declaration, requirement, f"every import of it leads to `{place}`"),
        )


def _own_modules(view: ProjectView) -> dict[str, str]:
    """Return the modules at the top that imports lead to, by the name that a distribution of them would have."""
    found: dict[str, str] = {}
    others: set[str] = set()
    for item in view.graph.imports:
        if item.fact.level:
            continue
        top = normalised(item.fact.module.partition(".")[0])
        if item.resolution.outcome is Outcome.MODULE and item.resolution.targets[0].kind is not Kind.NAMESPACE:
            found.setdefault(top, item.resolution.targets[0].path)
        elif item.resolution.outcome is Outcome.THIRD_PARTY:
            others.add(top)
    return {top: path for top, path in found.items() if top not in others}


RULE = ProjectRule(
    id="SPH303",
    name="first-party-as-distribution",
    category=Category.SECURITY,
    severity=Severity.ERROR,
    summary="A requirement names the project's own module",
    check=check,
    manual=__doc__ or "",
)
