"""A name that is imported from a module of the project which does not have it.

## What it does
Reports each name of a `from` import that the module neither defines, imports nor takes over by a star import, and that
is no submodule of it. Modules whose names nobody can read from the text (a `__getattr__`, writes to `globals()`) are
left alone.

## Why is this bad
The import raises ImportError, and with it everything that imports this file.

## Example
The module `shop.prices` defines `total`, and nothing else:

```python
from shop.prices import totals
```

## Fix safety
Unsafe: a name of the module that differs by a letter or two, or the one file of the project that defines the name, is
most likely what was meant, but only a person knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Fact, Finding, Fix, Safety, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.rules.imports._findings import circumstances, finding_at, judged, place_edits, severity_of
from sophia_cli.fixers.rules.imports._names import from_elsewhere
from sophia_cli.project.code.facts import ImportedName
from sophia_cli.project.imports.close_names import close_name
from sophia_cli.project.imports.evidence import Evidence
from sophia_cli.project.imports.model import Import, Kind
from sophia_cli.project.imports.shipping import DeclaredShipping


def check(view: ProjectView) -> Iterator[Finding]:
    evidence = Evidence(view.graph, view.past, DeclaredShipping(view.dependencies))
    for item in judged(view):
        for name in item.missing:
            yield _finding(view, evidence, item, name)


def _finding(view: ProjectView, evidence: Evidence, item: Import, name: ImportedName) -> Finding:
    module = item.resolution.module
    target = item.resolution.targets[0]
    data: dict[str, Fact] = {"module": module, "name": name.name, "target": target.path, **circumstances(item)}
    where = f"the folder `{target.path}`" if target.kind is Kind.NAMESPACE else f"`{target.path}`"
    return finding_at(
        RULE,
        item.importer,
        name.place,
        f"`{name.name}` cannot be imported from `{module}`: {where} does not have it",
        data,
        severity=severity_of(item),
        fix=_close(view, item, name) or _elsewhere(view, evidence, item, name),
    )


def _close(view: ProjectView, item: Import, name: ImportedName) -> Fix | None:
    """Propose the one name of the module that is nearly the same, bound to the name that the file uses."""
    target = item.resolution.targets[0]
    source = view.sources.text(item.importer)
    if target.kind is Kind.NAMESPACE or source is None:
        return None
    known = view.graph.surfaces.offer(target.path).names
    taken = {other.name for other in item.fact.names}
    near = close_name(name.name, known - taken)
    if near is None:
        return None
    written = near if name.asname else f"{near} as {name.name}"
    try:
        edits = place_edits(source, [(name.place, written)], item.importer)
    except UnicodeEncodeError:
        return None
    told = f"`{target.path}` has `{near}`, and no other name like it"
    return Fix(f"import `{near}`", Safety.UNSAFE, edits, (told,), 0.6)


def _elsewhere(view: ProjectView, evidence: Evidence, item: Import, name: ImportedName) -> Fix | None:
    """Propose the one file of the project that defines the name."""
    redirects = evidence.redirects_of_name(item, name.name)
    source = view.sources.text(item.importer)
    if len(redirects) != 1 or source is None:
        return None
    (redirect,) = redirects
    edits = from_elsewhere(source, item, name, redirect.written)
    if edits is None:
        return None
    title = f"import `{name.name}` from `{redirect.written}`"
    return Fix(title, Safety.UNSAFE, edits, (redirect.told,), redirect.confidence)


RULE = ProjectRule(
    id="SPH202",
    name="missing-name",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a name that is imported from a module of the project which does not have it",
    check=check,
    manual=__doc__,
)
