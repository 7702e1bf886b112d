"""An imported distribution is not declared.

## What it does

Finds imports of modules that are neither the project's own nor the standard library's and that no declaration covers.
What covers a file: the nearest `pyproject.toml`, `setup.cfg`, `setup.py`, `Pipfile`, `pixi.toml`, `environment.yml`
or requirements file upwards of it, and those of the project's root, with all that they include; for a script also the
block in its own text (`# /// script`).

Which distribution an import comes from is told by the metadata of the project's environment, by what the project
declares or locks, and by a curated table, in this order. An import of which none of them knows anything is reported
without a distribution: names of imports and of distributions are never taken to be equal.

A module that the project's Python no longer has (`imp`, `distutils`, `cgi`) is reported too, unless something
declared brings it back.

An import that the code provides for (`try` with `except ImportError`, a test of the Python version or the platform)
is a warning, and so is one that comes along with what is declared. One for type checkers only is a note, and so are
one that only a requirements file of a purpose of its own covers (`demo_requirements.txt`), and those of tests in a
project that declares nothing for them.

## Why is this bad

The code runs on the machine where the distribution happens to be installed, and fails on the next one.

## Example

With an empty `requirements.txt`:

```python
import yaml
```

Declare the distribution:

```text
pyyaml
```

## Fix safety

The fix adds to the file that declares for this code all that is missing there, in one go for all findings. It is
safe when the version is known, from a lock file or the environment. It is unsafe when the distribution is known only
by the curated table or from another file of the project. What tests and documentation need goes to a group or extra
for them, where there is one. There is no fix for an import that the code provides for, for one of `setup.py`, nor where
the import's name alone does not tell the distribution.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Fact, Finding, Fix, Safety, Severity
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of
from sophia_cli.fixers.rules.dependencies._imports import PYTHON_2, Needed, groups_for, is_for_development, needed
from sophia_cli.project.code.facts import Guard
from sophia_cli.project.dependencies.additions import addition
from sophia_cli.project.dependencies.formats import DEV_GROUPS
from sophia_cli.project.dependencies.lookup import Coverage, Evidence, Origin
from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role
from sophia_cli.project.dependencies.script_block import script_requirements
from sophia_cli.project.dependencies.standard_library import REPLACEMENTS, removed_in
from sophia_cli.project.imports.model import Outcome

_ORDER = (
    Format.PYPROJECT,
    Format.PIPFILE,
    Format.PIXI,
    Format.REQUIREMENTS,
    Format.SETUP_CFG,
    Format.SETUP_PY,
)


_Target = tuple[str, Safety, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Offer:
    """What one fix declares: versions by distribution, and for each finding that it answers what tells of it.

    `groups` are those of which one is meant, empty for what the project needs to run.
    """

    declaration: Declaration
    safety: Safety
    groups: tuple[str, ...]
    wanted: dict[str, str | None]
    evidence: dict[int, tuple[str, ...]]


def check(view: ProjectView) -> Iterator[Finding]:
    """Yield a finding for each import statement and distribution that nothing declares."""
    findings: list[Finding] = []
    offers: dict[_Target, _Offer] = {}
    for one in needed(view):
        top = one.dotted.partition(".")[0]
        if top in PYTHON_2 and one.fact.guard is not Guard.NONE:
            continue
        coverage = view.dependencies.coverage(one.path)
        if coverage.is_open or view.dependencies.covering(one.dotted, coverage.usual) is not None:
            continue
        if _comes_with_python(one, view.python) or _stands_in_script(view, one):
            continue
        finding = _finding(view, one, coverage)
        if "covered_only_by" not in finding.data:
            _offer(view, one, coverage, len(findings), offers)
        findings.append(finding)
    for offer in offers.values():
        if (fix := _fix(view, offer)) is not None:
            for number, told in offer.evidence.items():
                # What stands in a file that does not compile waits for it, and holds the others back no longer.
                group = fix.group if view.graph.files[findings[number].path].compiles else None
                findings[number] = replace(findings[number], fix=replace(fix, evidence=told, group=group))
    yield from findings
    yield from _gone_from_python(view)


def _gone_from_python(view: ProjectView) -> Iterator[Finding]:
    """Yield the imports of standard modules that the project's Python no longer has."""
    for item in view.graph.imports:
        fact = item.fact
        gone = removed_in(fact.module, view.python) if item.resolution.outcome is Outcome.STANDARD else None
        if gone is None or fact.guard is not Guard.NONE or fact.level:
            continue
        top = fact.module.partition(".")[0]
        usual = view.dependencies.coverage(item.importer).usual
        replacements = ("setuptools",) if top == "distutils" else (REPLACEMENTS.get(top, ""), f"standard-{top}")
        if any(name in usual for name in replacements):
            continue
        one = Needed(item.importer, fact, fact.module, None)
        since = f"Python {gone[0]}.{gone[1]}"
        yield finding_of(
            RULE,
            item.importer,
            one.region,
            f"`{top}` left the standard library with {since}, and nothing declared brings it back",
            severity=one.severity,
            data={"import": fact.module, "distribution": None, "distribution_certain": False, "guarded": False},
        )


def _comes_with_python(one: Needed, python: tuple[int, int]) -> bool:
    """Whether it is what every environment of that Python version holds, or what runs the file brings."""
    if one.origin is None or one.origin.distribution != "setuptools":
        return False
    return python < (3, 12) or one.path.rpartition("/")[2] == "setup.py"


def _stands_in_script(view: ProjectView, one: Needed) -> bool:
    """Whether the file declares it for itself, for those that run it alone."""
    source = view.sources.text(one.path)
    named = script_requirements(one.path, source.text) if source is not None else {}
    return bool(named) and view.dependencies.covering(one.dotted, named) is not None


def _finding(view: ProjectView, one: Needed, coverage: Coverage) -> Finding:
    origin = one.origin
    only = view.dependencies.covering(one.dotted, coverage.unusual)
    data: dict[str, Fact] = {
        "import": one.dotted,
        "distribution": origin.distribution if origin else None,
        "distribution_certain": origin is not None and origin.is_certain,
        "guarded": one.fact.guard is not Guard.NONE,
    }
    severity = one.severity
    if only is not None:
        data["covered_only_by"] = coverage.unusual[only][0].path
        severity = Severity.NOTE
    elif _says_nothing(view, one, coverage):
        severity = Severity.NOTE
    elif origin and (parent := view.dependencies.comes_along_with(origin.distribution, coverage.usual)):
        data["comes_along_with"] = parent
        severity = min(severity, Severity.WARNING, key=lambda one: one.rank)
    return finding_of(RULE, one.path, one.region, _message(one, data), severity=severity, data=data)


def _says_nothing(view: ProjectView, one: Needed, coverage: Coverage) -> bool:
    """Whether nobody meant to declare it: the project declares nothing at all, or nothing for its tests."""
    if not view.dependencies.declared.has_declarations:
        return True
    if not is_for_development(one.path):
        return False
    if one.origin is None:
        # Tests import modules that they write themselves, and that are missing on purpose.
        return True
    return not any(_is_of_development(requirement) for _, requirement in coverage.usual.values())


def _is_of_development(requirement: Requirement) -> bool:
    return requirement.role is Role.DEV or (requirement.role is Role.OPTIONAL and requirement.group in DEV_GROUPS)


def _message(one: Needed, data: dict[str, Fact]) -> str:
    name, origin = one.dotted, one.origin
    if "covered_only_by" in data:
        source = f"`{origin.distribution}`, which" if origin else "a distribution that"
        return f"`{name}` comes from {source} only `{data['covered_only_by']}` declares"
    if origin is None:
        if name.partition(".")[0] in PYTHON_2:
            return f"`{name}` is a module of Python 2, which no distribution offers"
        return (
            f"`{name}` is no module of the project, and no distribution is known, declared or installed that offers it"
        )
    if not origin.is_certain:
        rivals = " or ".join(f"`{distribution}`" for distribution in origin.distributions)
        return f"`{name}` may come from {rivals}, which nothing declares for this file"
    along = f", which comes along with `{data['comes_along_with']}` but" if "comes_along_with" in data else ", which"
    return f"`{name}` comes from `{origin.distribution}`{along} nothing declares for this file"


def _offer(view: ProjectView, one: Needed, coverage: Coverage, number: int, offers: dict[_Target, _Offer]) -> None:
    """Take the distribution into the fix of the file that should declare it, where one has a place for it."""
    origin = one.origin
    if origin is None or not origin.is_certain or one.fact.guard is not Guard.NONE or not one.fact.is_certain:
        return
    is_only_named = view.graph.resolver.is_only_named(one.dotted.partition(".")[0])
    if origin.distribution in view.dependencies.own or is_only_named:
        # What the project makes itself no index has, or a stranger's.
        return
    if origin.distribution in view.dependencies.known_to_conda_only or one.path.rpartition("/")[2] == "setup.py":
        return
    pin = view.dependencies.pins.get(origin.distribution)
    safety = Safety.SAFE if pin is not None else Safety.UNSAFE
    groups = groups_for(one.path)
    for declaration in _places(view, coverage, one.path):
        data = view.document(declaration.path)
        if data is not None and addition(declaration, data, {origin.distribution: None}, groups) is not None:
            key = (declaration.path, safety, () if declaration.format is Format.REQUIREMENTS else groups)
            offer = offers.setdefault(key, _Offer(declaration, safety, key[2], {}, {}))
            offer.wanted.setdefault(origin.distribution, pin.version if pin else None)
            offer.evidence[number] = _evidence(origin, pin.where if pin else None)
            return


def _fix(view: ProjectView, offer: _Offer) -> Fix | None:
    """Return the fix that declares all that is offered: one edit, since all of it goes to the same place."""
    data = view.document(offer.declaration.path)
    edit = None if data is None else addition(offer.declaration, data, offer.wanted, offer.groups)
    if edit is None:
        return None
    names = list(offer.wanted)
    more = f" and {len(names) - 4} more" if len(names) > 5 else ""
    return Fix(
        title=f"declare {', '.join(names[:4] if more else names)}{more} in {offer.declaration.path}",
        safety=offer.safety,
        edits=(edit,),
        evidence=(),
        confidence=0.9 if offer.safety is Safety.SAFE else 0.7,
        group=f"{offer.declaration.path} {offer.safety.value} {' '.join(offer.groups)}",
    )


def _places(view: ProjectView, coverage: Coverage, path: str) -> list[Declaration]:
    """Return the files that could declare it, the best first: the nearest, what is for running before the rest."""
    home = coverage.declarations[0].folder if coverage.declarations else ""
    is_test = is_for_development(path)
    mine = [one for one in view.dependencies.homes(path) if one.format in _ORDER]
    return sorted(mine, key=lambda one: (_is_only_for_development(one) != is_test, one.folder != home, _rank(one)))


def _is_only_for_development(declaration: Declaration) -> bool:
    roles = {requirement.role for requirement in declaration.requirements}
    return declaration.format is Format.REQUIREMENTS and roles == {Role.DEV}


def _rank(declaration: Declaration) -> tuple[int, bool, str]:
    return _ORDER.index(declaration.format), not declaration.path.endswith(".in"), declaration.path


def _evidence(origin: Origin, pinned: str | None) -> tuple[str, ...]:
    words = {
        Evidence.INSTALLED: "the environment's metadata says that it offers",
        Evidence.DECLARED: "the project declares it elsewhere; it offers",
        Evidence.LOCKED: "the project locks it; it offers",
        Evidence.KNOWN: "the table of import names says that it offers",
    }[origin.evidence]
    found = f"{origin.distribution}: {words} `{origin.import_name}`"
    return (f"{found}; its version stands in {pinned}",) if pinned else (found,)


RULE = ProjectRule(
    id="SPH301",
    name="undeclared-dependency",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="An imported distribution is not declared",
    check=check,
    manual=__doc__ or "",
)
