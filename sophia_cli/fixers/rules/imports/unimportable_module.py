"""A module that exists but cannot be imported from where something tries to.

## What it does
Reports imports of modules that are there, but not under this name for this file: the folder's name holds a hyphen, the
module lies below a root that is not searched for this file, it is found only when the program is started inside its
own package, or a relative import has more dots than there are packages.

## Why is this bad
The import fails, or works for as long as everybody starts the program from one lucky folder.

## Example
The code lies in `price-service/`, which no import can name:

```python
from price_service.rates import rate_of
```

## Fix safety
There is no fix: the folder is renamed, a path is set, or the import is written in another way, and all three change
what others rely on.

## References
- `sophia doctor` lists the folders in which modules are looked for, each with what says so
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Fact, Finding, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.rules.imports._findings import circumstances, finding_at, judged, severity_of
from sophia_cli.project.code.facts import Guard
from sophia_cli.project.imports.model import Import, Outcome, When


def check(view: ProjectView) -> Iterator[Finding]:
    for item in judged(view):
        resolution = item.resolution
        module = resolution.module
        folder = resolution.known_at if resolution.outcome is Outcome.RENAMED else _folder(item)
        match resolution.outcome:
            case Outcome.RENAMED:
                severity = severity_of(item)
                message = f"`{module}` cannot be imported: `{folder}` is no name that Python can import"
            case Outcome.OTHER_ROOT:
                severity = Severity.WARNING
                message = (
                    f"`{module}` can only be imported where `{folder}` is searched, and nothing says so for this file"
                )
            case Outcome.LUCKY | Outcome.BEYOND_TOP if item.fact.guard in (Guard.TRY, Guard.FALLBACK):
                # One of two ways to write the import works, whether the file is a script or part of a package.
                continue
            case Outcome.LUCKY if not _is_script(view, item):
                severity = Severity.WARNING
                message = f"`{module}` is found only when the program is started in `{folder}`, a folder of a package"
            case Outcome.BEYOND_TOP:
                severity = severity_of(item)
                message = f"`{item.fact.written}` has more dots than there are folders above this file"
            case _:
                continue
        data: dict[str, Fact] = {"module": module, "folder": folder, **circumstances(item)}
        if resolution.targets:
            data["target"] = resolution.targets[0].path
        yield finding_at(RULE, item.importer, item.fact.place, message, data, severity=severity)


def _folder(item: Import) -> str:
    root = item.resolution.root
    return (root.path or ".") if root is not None else ""


def _is_script(view: ProjectView, item: Import) -> bool:
    """Whether the file is started by itself and imported by none: then Python looks in its own folder first."""
    is_imported = any(edge.when is not When.NAMED for edge in view.graph.importers_of(item.importer))
    return view.files[item.importer].surface.has_main and not is_imported


RULE = ProjectRule(
    id="SPH206",
    name="unimportable-module",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a module that exists but cannot be imported under this name from here",
    check=check,
    manual=__doc__,
)
