"""Two declarations ask for versions that exclude each other.

## What it does

Finds pairs of entries for one distribution whose versions no release can satisfy together: within a file, among the
files of the project's root, between the root's files and those of a folder below it, and between a file and the bounds
that it takes in (`-c`). Entries with an environment
marker, direct URLs and the extras of one file among themselves are left out: they need not be installed together.

Folders below the root that disagree are one note a distribution, since each may have an environment of its own.

## Why is this bad

The installer refuses to install both, or the second install replaces what the first one put there.

## Example

```text
pydantic>=2.0
pydantic<2
```

Keep the entry that the code was written for:

```text
pydantic>=2.0
```

## Fix safety

Where a lock file or the environment names a version that one of the two admits, the unsafe fix gives the other entry
the same versions. Without such evidence there is no fix.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from sophia_cli.core.findings import Category, Finding, Fix, Safety, Severity
from sophia_cli.core.values import dataclass
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of
from sophia_cli.fixers.rules.dependencies._entries import entries, region
from sophia_cli.project.dependencies.additions import replacement
from sophia_cli.project.dependencies.declared import home_of
from sophia_cli.project.dependencies.formats import is_usual
from sophia_cli.project.dependencies.model import Declaration, Requirement, Role
from sophia_cli.project.dependencies.names import INTERPRETERS

_SHOWN = 4
_SIDE = frozenset({"docs", "doc", "examples", "example", "benchmarks", "tests", "test"})


@dataclass(frozen=True, slots=True)
class _Entry:
    declaration: Declaration
    requirement: Requirement

    @property
    def place(self) -> str:
        return f"{self.declaration.path}:{self.requirement.line}"

    @property
    def home(self) -> str:
        return home_of(self.declaration)

    @property
    def order(self) -> tuple[str, int]:
        return self.declaration.path, self.requirement.line


def check(view: ProjectView) -> Iterator[Finding]:
    """Yield a finding for each pair of entries that exclude each other; those that need not meet make one together."""
    by_name: dict[str, list[_Entry]] = defaultdict(list)
    for declaration, requirement in entries(view):
        if _counts(requirement):
            by_name[requirement.name].append(_Entry(declaration, requirement))
    yield from _against_bounds(view)
    rivals = {name: found for name, found in by_name.items() if len({one.requirement.specifier for one in found}) > 1}
    if not rivals:
        return
    from sophia_cli.project.dependencies.satisfiable import are_satisfiable

    known: dict[frozenset[str], bool] = {}
    for name in sorted(rivals):
        seen: set[tuple[str, str]] = set()
        apart: list[tuple[_Entry, _Entry]] = []
        for one, other in combinations(sorted(rivals[name], key=lambda entry: entry.order), 2):
            severity = _severity(one, other)
            pair = (one.declaration.path, other.declaration.path)
            if severity is None or pair in seen or (len(set(pair)) == 1 and one.declaration.is_unmerged):
                continue
            specifiers = frozenset({one.requirement.specifier, other.requirement.specifier})
            if specifiers not in known:
                known[specifiers] = are_satisfiable(sorted(specifiers))
            if not known[specifiers]:
                seen.add(pair)
                if severity is Severity.NOTE:
                    apart.append((one, other))
                else:
                    yield _finding(view, (one, other), severity)
        if apart:
            places = dict.fromkeys(entry for pair in apart for entry in pair)
            yield _finding(view, tuple(places), Severity.NOTE)


def _counts(requirement: Requirement) -> bool:
    is_plain = bool(requirement.specifier) and not requirement.marker and requirement.url is None
    return is_plain and requirement.name not in INTERPRETERS


def _against_bounds(view: ProjectView) -> Iterator[Finding]:
    """Yield a finding for each entry that excludes what a file of bounds says which is taken in with it (`-c`)."""
    declared = view.dependencies.declared
    seen: set[tuple[str, str]] = set()
    for path in sorted(declared.files):
        bounds: dict[str, list[_Entry]] = defaultdict(list)
        for included, role in declared.reach.get(path, ()):
            for bound in declared.files[included].requirements if role is Role.CONSTRAINT else ():
                if _counts(bound):
                    bounds[bound.name].append(_Entry(declared.files[included], bound))
        for declaration, requirement in declared.requirements(path) if bounds else ():
            for bound_entry in bounds.get(requirement.name, ()) if _counts(requirement) else ():
                one = _Entry(declaration, requirement)
                specifiers = sorted({requirement.specifier, bound_entry.requirement.specifier})
                if (one.place, bound_entry.place) in seen or len(specifiers) == 1:
                    continue
                seen.add((one.place, bound_entry.place))
                from sophia_cli.project.dependencies.satisfiable import are_satisfiable

                if not are_satisfiable(specifiers):
                    yield _finding(view, (one, bound_entry), Severity.ERROR)


def _severity(one: _Entry, other: _Entry) -> Severity | None:
    """Return how bad a disagreement of the two is, None where they are not meant to be installed together."""
    roles = {one.requirement.role, other.requirement.role}
    if roles == {Role.BUILD} or (len(roles) == 2 and Role.BUILD in roles):
        return None
    if one.declaration.path == other.declaration.path:
        same_group = one.requirement.group == other.requirement.group
        return Severity.ERROR if same_group or Role.MAIN in roles else None
    if one.declaration.is_compiled and other.declaration.is_compiled:
        return None
    at_root = [entry for entry in (one, other) if not entry.home]
    if len(at_root) == 2 or one.home == other.home:
        return Severity.ERROR
    if any(not _SIDE.isdisjoint(entry.home.split("/")) for entry in (one, other)) or not at_root:
        return Severity.NOTE
    return Severity.ERROR if is_usual(at_root[0].declaration.path) else Severity.WARNING


def _finding(view: ProjectView, conflicting: Sequence[_Entry], severity: Severity) -> Finding:
    """Return the finding of entries that exclude each other, at the first of them."""
    one, *others = conflicting
    name = one.requirement.name
    here = f"`{one.requirement.specifier_written}` (here)"
    there = [f"`{other.requirement.specifier_written}` (`{other.place}`)" for other in others]
    if len(there) == 1:
        message = f"no version of `{name}` is both {here} and {there[0]}"
    else:
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        message = f"no version of `{name}` suits all of {here}, {', '.join(there[:_SHOWN])}{more}"
    return finding_of(
        RULE,
        one.declaration.path,
        region(one.requirement),
        message,
        severity=severity,
        data={
            "distribution": name,
            "files": tuple(entry.place for entry in conflicting),
            "specifiers": tuple(entry.requirement.specifier for entry in conflicting),
        },
        fix=_fix(view, one, others[0]) if len(others) == 1 else None,
    )


def _fix(view: ProjectView, one: _Entry, other: _Entry) -> Fix | None:
    pin = view.dependencies.pins.get(one.requirement.name)
    if pin is None:
        return None
    from sophia_cli.project.dependencies.satisfiable import admits

    fits = [entry for entry in (one, other) if admits(entry.requirement.specifier, pin.version)]
    if len(fits) != 1:
        return None
    stale = other if fits[0] is one else one
    edit = replacement(stale.declaration, stale.requirement, fits[0].requirement.specifier)
    if edit is None or stale.declaration.is_compiled:
        return None
    return Fix(
        title=f"ask for {one.requirement.name}{fits[0].requirement.specifier} in {stale.declaration.path}",
        safety=Safety.UNSAFE,
        edits=(edit,),
        evidence=(f"{pin.where} has {one.requirement.name} {pin.version}, which only `{fits[0].place}` admits",),
        confidence=0.6,
    )


RULE = ProjectRule(
    id="SPH302",
    name="conflicting-requirements",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="Two declarations ask for versions that exclude each other",
    check=check,
    manual=__doc__ or "",
)
