"""A name that is imported from a module of the project which does not have it.

## What it does
Reports each name of a `from` import that the module neither defines, imports nor takes over by a star import, and that
is no submodule of it. Modules whose names nobody can read from the text (a `__getattr__`, writes to `globals()`) are
left alone, and so are names that another file gives the module (`prices.total = total`, at its own level).

## Why is this bad
The import raises ImportError, and with it everything that imports this file.

## Example
The module `shop.prices` defines `total`, and nothing else:

```python
from shop.prices import totals
```

## Fix safety
Unsafe: a name that history shows to hold the same code now, a name of the module that differs by a letter or two, the
one file of the project that defines the name, the one of the same package from which all others import it, or the place
to which its module was moved, is most likely what was meant, but only a person knows.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping

from sophia_cli.core.findings import Category, Fact, Finding, Fix, Safety, Severity
from sophia_cli.core.patterns import late_pattern
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.rules.imports._findings import circumstances, finding_at, judged, place_edits, severity_of
from sophia_cli.fixers.rules.imports._names import from_several
from sophia_cli.project.code.facts import ImportedName
from sophia_cli.project.imports.close_names import NamePool, close_name
from sophia_cli.project.imports.evidence import Evidence
from sophia_cli.project.imports.model import Import, Kind, Located
from sophia_cli.project.imports.redirects import Redirect
from sophia_cli.project.imports.shipping import DeclaredShipping
from sophia_cli.project.imports.test_code import is_test_code
from sophia_cli.project.source import SourceText

_ATTRIBUTE = late_pattern(r"\.([A-Za-z_]\w*)")


def check(view: ProjectView) -> Iterator[Finding]:
    evidence = Evidence(view.graph, view.past, DeclaredShipping(view.dependencies))
    given: dict[str, frozenset[str]] = {}
    pools: dict[str, NamePool] = {}
    lacking_any = [item for item in judged(view) if item.missing]
    view.past.read_ahead(sorted({item.resolution.targets[0].path for item in lacking_any}))
    for item in lacking_any:
        target = item.resolution.targets[0].path
        if target not in given:
            given[target] = _given(view, item.resolution.targets[0])
        lacking = [name for name in item.missing if name.name not in given[target]]
        if lacking:
            fixes = _fixes(view, evidence, item, pools)
            yield from (_finding(item, name, fixes.get(name)) for name in lacking)


def _given(view: ProjectView, target: Located) -> frozenset[str]:
    """Return the attributes of a module that files which import it, and are no tests, set while they are imported."""
    if target.kind is Kind.NAMESPACE:
        return frozenset()
    module = target.path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
    setting = re.compile(rf"^(?:[\w.]+\.)?{re.escape(module)}\.(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
    found: set[str] = set()
    for edge in view.graph.importers_of(target.path):
        source = None if is_test_code(edge.source) else view.sources.text(edge.source)
        text = "" if source is None else source.text
        at = text.find(f"{module}.")
        while at >= 0:
            line = setting.match(text, text.rfind("\n", 0, at) + 1)
            if line is not None:
                found.add(line.group(1))
            end = text.find("\n", at)
            at = text.find(f"{module}.", end) if end >= 0 else -1
    return frozenset(found)


def _finding(item: Import, name: ImportedName, fix: Fix | None) -> Finding:
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
        fix=fix,
    )


def _fixes(view: ProjectView, evidence: Evidence, item: Import, pools: dict[str, NamePool]) -> dict[ImportedName, Fix]:
    """Propose what history tells, or a close name of the module; else other modules, for all names in one go."""
    source = view.sources.text(item.importer)
    if source is None:
        return {}
    target = item.resolution.targets[0]
    module = view.sources.text(target.path) if target.kind is not Kind.NAMESPACE else None
    fixes: dict[ImportedName, Fix] = {}
    left: dict[ImportedName, str] = {}
    torn: set[ImportedName] = set()
    for name in item.missing:
        fate = None if module is None else evidence.fate_of(target.path, name.name, module.text)
        if fate is not None:
            left[name] = fate.commit
        if fate is not None and fate.name is not None:
            told = f"commit {fate.commit[:10]} renamed `{name.name}` to `{fate.name}` in `{target.path}`"
            fix = _other_name(source, item, name, fate.name, told, 0.85)
        else:
            fix = None if fate is not None else _close(view, source, item, name, pools)
            if fix is not None and evidence.definers(name.name):
                # The module has nearly the name, and another file the very name: either may be meant.
                torn.add(name)
                fix = None
        if fix is not None:
            fixes[name] = fix
    return fixes or _elsewhere(evidence, source, item, left, torn)


def _close(
    view: ProjectView, source: SourceText, item: Import, name: ImportedName, pools: dict[str, NamePool]
) -> Fix | None:
    """Propose the one name of the module that is nearly the same."""
    target = item.resolution.targets[0]
    if target.kind is Kind.NAMESPACE:
        return None
    if target.path not in pools:
        pools[target.path] = NamePool(view.graph.surfaces.offer(target.path).names)
    taken = {other.name for other in item.fact.names}
    near = close_name(name.name, set(pools[target.path].likely(name.name)) - taken)
    if near is None:
        return None
    return _other_name(source, item, name, near, f"`{target.path}` has `{near}`, and no other name like it", 0.6)


def _other_name(
    source: SourceText, item: Import, name: ImportedName, meant: str, told: str, confidence: float
) -> Fix | None:
    """Propose another name of the same module, bound to the name that the file uses."""
    written = meant if name.asname or _is_used_instead(source.text, name.name, meant) else f"{meant} as {name.name}"
    try:
        edits = place_edits(source, [(name.place, written)], item.importer)
    except UnicodeEncodeError:
        return None
    return Fix(f"import `{meant}`", Safety.UNSAFE, edits, (told,), confidence)


def _is_used_instead(text: str, name: str, meant: str) -> bool:
    """Whether the file uses the right name already, and the wrong one only where it imports it."""
    return (
        len(re.findall(rf"\b{re.escape(name)}\b", text)) == 1
        and re.search(rf"\b{re.escape(meant)}\b", text) is not None
    )


def _elsewhere(
    evidence: Evidence,
    source: SourceText,
    item: Import,
    left: Mapping[ImportedName, str],
    torn: Container[ImportedName],
) -> dict[ImportedName, Fix]:
    """Propose the one file that defines each name, or that is the module meant. Names of a statement move together.

    `left` are names that the module had until a commit, `torn` those for which nothing is proposed.
    """
    found: dict[ImportedName, Redirect] = {}
    called: dict[ImportedName, str] = {}
    modules: dict[str, list[ImportedName]] = {}
    for name in item.missing:
        if name in torn:
            continue
        redirects = evidence.redirects_of_name(item, name.name, left.get(name))
        written = redirects[0].written if len(redirects) == 1 else ""
        if not redirects:
            redirects = evidence.moved_submodule(item, name.name, _uses(source.text, name.asname or name.name))
            if redirects:
                written, last = _split(redirects[0].written)
                if last != name.name:
                    called[name] = last
        habit = evidence.habit(item, name.name) if len(redirects) != 1 else None
        if habit is not None and _top(habit.path) == _top(item.resolution.targets[0].path):
            redirects, written = [habit], habit.written
            if habit.called:
                called[name] = habit.called
        if written and len(redirects) == 1:
            found[name] = redirects[0]
            modules.setdefault(written, []).append(name)
    edits = from_several(source, item, modules, called) if modules else None
    if edits is None:
        return {}
    group = f"{item.importer}:{item.fact.place.line} {item.fact.written}" if len(found) > 1 else None
    homes = {name: module for module, names in modules.items() for name in names}
    return {
        name: Fix(
            f"import `{called.get(name, name.name)}` from `{homes[name]}`",
            Safety.UNSAFE,
            edits,
            (redirect.told,),
            redirect.confidence,
            group,
        )
        for name, redirect in found.items()
    }


def _top(path: str | None) -> str:
    return (path or "").partition("/")[0]


def _split(written: str) -> tuple[str, str]:
    """Return a module as the one above it, dots included, and its own name; nothing for a name without one above."""
    above, dot, last = written.rpartition(".")
    return (above if above.strip(".") else above + dot), last


def _uses(text: str, name: str) -> frozenset[str]:
    """Return the attributes that a file takes of a name."""
    found: set[str] = set()
    at = text.find(f"{name}.")
    while at >= 0:
        end = at + len(name)
        before = text[at - 1 : at]
        attribute = None if before.isalnum() or before in ("_", ".") else _ATTRIBUTE.match(text, end)
        if attribute is not None:
            found.add(attribute.group(1))
        at = text.find(f"{name}.", end)
    return frozenset(found)


RULE = ProjectRule(
    id="SPH202",
    name="missing-name",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a name that is imported from a module of the project which does not have it",
    check=check,
    manual=__doc__,
)
