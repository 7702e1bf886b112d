"""An import of a module of the project that does not exist.

## What it does
Reports imports whose first part is a package or module of the project, or that are relative, and that lead to nothing:
no file, no folder, and nothing on the disk that could be it (a compiled module, a stub, an ignored or generated file).
A module that the file itself or a conftest above it puts into `sys.modules` is there.
An import with a name in front that nothing bears (`backend.shop.rates`, where only `shop/rates.py` exists and no
distribution may be called so) is one of them when the rest leads to one module that offers what is imported.
An import whose failure the file provides for (`try`, `TYPE_CHECKING`, a test of the version) is a warning.

## Why is this bad
The import raises ModuleNotFoundError, and with it everything that imports this file.

## Example
The package `shop` has no module `rates`:

```python
from shop.rates import rate_of
```

## Fix safety
Safe when one module is surely meant and holds all the imported names: git recorded the move of the file, an earlier
version of this very import named it, or it is the only module of that name. Unsafe when the evidence is weaker (other
files import the names from there, perhaps under these names only; it is the only file that defines them; a declared
distribution ships it; only the rest of the name leads to it; a part of the name is misspelt). Without evidence
nothing is proposed: a stub that pretends to be the module is only written with `--stub`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from sophia_cli.core.findings import Category, Fact, Finding, Fix, Safety, Severity
from sophia_cli.core.patterns import late_pattern
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.rules.imports._findings import circumstances, finding_at, judged, severity_of
from sophia_cli.fixers.rules.imports._names import from_several
from sophia_cli.fixers.rules.imports._redirect import redirect_edits
from sophia_cli.project.code.facts import ImportedName
from sophia_cli.project.imports.close_names import NamePool
from sophia_cli.project.imports.evidence import Evidence
from sophia_cli.project.imports.model import Import, Outcome
from sophia_cli.project.imports.redirects import Redirect
from sophia_cli.project.imports.shipping import DeclaredShipping
from sophia_cli.project.imports.test_code import is_test_code

_SHOWN = 3


def check(view: ProjectView) -> Iterator[Finding]:
    evidence = Evidence(view.graph, view.past, DeclaredShipping(view.dependencies))
    pools: dict[str, NamePool] = {}
    for item in judged(view):
        if item.resolution.outcome is not Outcome.MISSING:
            continue
        if item.fact.is_call and is_test_code(item.importer):
            # Tests load what is not there on purpose.
            continue
        if _is_put_there(view, item):
            continue
        redirects = evidence.redirects(item)
        candidates = tuple(redirect.written for redirect in redirects[:_SHOWN]) or _near(view, item, pools)
        data: dict[str, Fact] = {
            "module": item.resolution.module,
            "names": tuple(name.name for name in item.fact.names),
            "candidates": candidates,
            **circumstances(item),
        }
        yield finding_at(
            RULE,
            item.importer,
            item.fact.place,
            _message(item, candidates),
            data,
            severity=severity_of(item),
            fix=_fix(view, item, redirects) if redirects else _split(view, evidence, item),
        )


def _is_put_there(view: ProjectView, item: Import) -> bool:
    """Whether the file itself, or a conftest above it, puts the module into `sys.modules`."""
    folders = item.importer.split("/")[:-1]
    conftests = ["/".join((*folders[:count], "conftest.py")) for count in range(len(folders), -1, -1)]
    name = rf"[\"']{re.escape(item.resolution.module)}[\"']"
    putting = late_pattern(rf"modules(?:\[|\.setdefault\()\s*{name}|setitem\(\s*sys\.modules\s*,\s*{name}|{name}\s*:")
    for path in (item.importer, *conftests):
        source = view.sources.text(path) if path in view.files else None
        if source is not None and "sys.modules" in source.text and putting.search(source.text):
            return True
    return False


def _message(item: Import, candidates: tuple[str, ...]) -> str:
    resolution = item.resolution
    module = resolution.module
    if resolution.known and resolution.known != module:
        rest = module[len(resolution.known) + 1 :].partition(".")[0]
        what = f"`{module}` does not exist: `{resolution.known}` has no module `{rest}`"
    elif not resolution.known and not item.fact.level:
        what = f"`{module}` does not exist: nothing is called `{module.partition('.')[0]}`"
    else:
        what = f"`{module}` does not exist"
    return f"{what}; near: {', '.join(f'`{name}`' for name in candidates)}" if candidates else what


def _near(view: ProjectView, item: Import, pools: dict[str, NamePool]) -> tuple[str, ...]:
    """Return modules beside the missing one with nearly its name."""
    resolution = item.resolution
    if not resolution.known:
        return ()
    missing = resolution.module[len(resolution.known) + 1 :].partition(".")[0]
    folder = resolution.known_at.removesuffix("/__init__.py")
    if folder.endswith(".py") or not missing:
        return ()
    if folder not in pools:
        pools[folder] = NamePool(view.graph.modules.names_in(folder))
    names = pools[folder].likely(missing)
    return tuple(f"{resolution.known}.{name}" for name in get_close_matches(missing, names, _SHOWN, 0.75))


def _fix(view: ProjectView, item: Import, redirects: list[Redirect]) -> Fix:
    best = redirects[0]
    rivals = [other for other in redirects[1:] if other.ground is best.ground]
    source = view.sources.text(item.importer)
    edits = None if rivals or source is None else redirect_edits(source, item, best.written)
    told = tuple(redirect.told for redirect in redirects[:_SHOWN])
    if edits is None:
        described = tuple(f"`{redirect.written}`: {redirect.told}" for redirect in redirects[:_SHOWN])
        title = (
            f"import it from `{best.written}`, and change its uses" if not rivals else "choose the module that is meant"
        )
        return Fix(title, Safety.MANUAL, (), told, best.confidence, alternatives=described)
    safety = Safety.SAFE if best.is_sure else Safety.UNSAFE
    return Fix(f"import `{best.written}` instead", safety, edits, told, best.confidence)


def _split(view: ProjectView, evidence: Evidence, item: Import) -> Fix | None:
    """Propose for each name the one file that defines it, or from which other files import it, where all have one."""
    source = view.sources.text(item.importer)
    if source is None:
        return None
    modules: dict[str, list[ImportedName]] = {}
    called: dict[ImportedName, str] = {}
    told: list[str] = []
    for name in item.fact.names:
        redirects = evidence.redirects_of_name(item, name.name) if len(item.fact.names) > 1 else []
        redirect = redirects[0] if len(redirects) == 1 else evidence.habit(item, name.name)
        if redirect is None:
            return None
        modules.setdefault(redirect.written, []).append(name)
        told.append(redirect.told)
        if redirect.called:
            called[name] = redirect.called
    edits = from_several(source, item, modules, called) if modules else None
    if edits is None:
        return None
    written = " and ".join(f"`{module}`" for module in modules)
    return Fix(f"import from {written} instead", Safety.UNSAFE, edits, tuple(dict.fromkeys(told)), 0.5)


RULE = ProjectRule(
    id="SPH201",
    name="missing-module",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="an import of a module of the project that does not exist",
    check=check,
    manual=__doc__,
)
