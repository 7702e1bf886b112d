"""What is to be installed: the project's own declarations, line by line, and what of them is left alone and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from sophia_cli.core.packages import PackageNote
from sophia_cli.core.values import dataclass, field
from sophia_cli.project.dependencies.formats import format_of, is_usual, role_of
from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.dependencies.reading import read_declaration
from sophia_cli.project.dependencies.requirements_file import read_requirements

Read = Callable[[str], bytes | None]

# Declarations in such folders are for tests and documentation, or are not the project's, or not any more.
_ASIDE = frozenset(
    (
        "test",
        "tests",
        "testing",
        "fixtures",
        "docs",
        "doc",
        "example",
        "examples",
        "benchmarks",
        "vendor",
        "third_party",
    )
)
_PAST = ("archive", "attic", "deprecated", "backup")
# What lock files of other kinds lock, beside which they lie.
_LOCKED = ("pyproject.toml", "Pipfile")
# A line of a file that is not the user's own must not say where packages come from.
OWN_INDEX = re.compile(rb"^(?:-i|-f|--(?:extra-)?index-url|--find-links|--trusted-host|--no-index)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Wish:
    """One requirement of the project: its normalised name, its PEP 508 line, and where it stands (`path:line`)."""

    name: str
    line: str
    place: str

    @property
    def path(self) -> str:
        """The file that it stands in."""
        return self.place.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file, its pins by name, and the declarations that it locks (what they include among them).

    `compiled_from` is the file that pip-tools or uv makes it of, None for locks of other kinds. `has_references` tells
    that a path, a URL or a checkout is asked for.
    """

    path: str
    pins: tuple[tuple[str, str], ...]
    sources: frozenset[str]
    compiled_from: str | None
    has_references: bool


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that the project asks for: requirements, bounds on what others ask for, locks; `notes`: what stays alone."""

    requirements: tuple[Wish, ...]
    constraints: tuple[Wish, ...]
    locks: tuple[Lock, ...]
    notes: tuple[PackageNote, ...]

    @property
    def pins(self) -> dict[str, str]:
        """The versions that lock files hold, by name; the first lock that names a package wins."""
        return {name: version for lock in reversed(self.locks) for name, version in lock.pins}


def read_wishes(
    paths: Iterable[str], read: Read, neighbours: Iterable[str] = (), refused: Mapping[str, str] | None = None
) -> Wishes:
    """Return what the declarations among `paths` ask for; `read` gives a file's bytes, None when it cannot be read.

    No index is asked for what the project itself makes, here or in the declarations `neighbours`, nor for the names in
    `refused`, each with the reason. Only what is needed to run counts: no extras, no development groups, nothing below
    folders of tests and documentation.
    """
    known = frozenset(paths)
    collection = _Collection(known, read, dict(refused or {}))
    for path in sorted(frozenset(neighbours) - known):
        collection.meet(path)
    for path in sorted(known):
        if _is_root(path, known):
            collection.add(path, Role.MAIN)
        elif format_of(path) is Format.LOCK or _is_compiled(path, known):
            collection.lock(path)
    return collection.wishes()


def _is_root(path: str, known: frozenset[str]) -> bool:
    if any(_is_aside(folder) for folder in path.split("/")[:-1]) or _is_compiled(path, known):
        return False
    match format_of(path):
        case Format.PYPROJECT | Format.SETUP_CFG | Format.SETUP_PY | Format.PIPFILE:
            return True
        case Format.REQUIREMENTS:
            return is_usual(path) and role_of(path) is Role.MAIN
        case _:
            return False


def _is_aside(folder: str) -> bool:
    return folder.lower() in _ASIDE or folder.lower().startswith(_PAST)


def _is_compiled(path: str, known: frozenset[str]) -> bool:
    """Tell whether a requirements file is what pip-tools makes of the `.in` beside it."""
    return path.endswith(".txt") and format_of(path) is Format.REQUIREMENTS and f"{path[:-4]}.in" in known


@dataclass(slots=True)
class _Collection:
    known: frozenset[str]
    read: Read
    refused: dict[str, str]
    seen: set[tuple[str, Role]] = field(default_factory=set)
    requirements: list[Wish] = field(default_factory=list)
    constraints: list[Wish] = field(default_factory=list)
    locks: list[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=list)
    includes: dict[str, set[str]] = field(default_factory=dict)
    references: set[str] = field(default_factory=set)
    notes: list[PackageNote] = field(default_factory=list)

    def add(self, path: str, role: Role) -> None:
        """Take in one file and what it includes, each file once a role."""
        if (path, role) in self.seen:
            return
        self.seen.add((path, role))
        declaration = self._declaration(path, role)
        if declaration is None:
            self.notes.append(PackageNote(path, "it cannot be read"))
            return
        if declaration.format is Format.PIP_LIST:
            self.notes.append(PackageNote(path, "it is a table that `pip list` printed, not a list of requirements"))
            return
        self._own(declaration)
        self.notes += [
            PackageNote(f"{problem.path}:{problem.line}", problem.message) for problem in declaration.problems
        ]
        broken = {problem.line for problem in declaration.problems}
        for requirement in declaration.requirements:
            if requirement.line not in broken:
                self._take(path, requirement, role)
        for include in declaration.includes:
            if include.path is None:
                self.notes.append(PackageNote(f"{path}:{include.line}", "it includes a file outside of the project"))
            elif include.role in (Role.MAIN, Role.CONSTRAINT):
                self.includes.setdefault(path, set()).add(include.path)
                self.add(include.path, Role.CONSTRAINT if role is Role.CONSTRAINT else include.role)

    def meet(self, path: str) -> None:
        """Learn what a declaration makes, and nothing else of it."""
        if format_of(path) not in (Format.LOCK, Format.REQUIREMENTS, Format.CONDA, Format.PIXI, None):
            declaration = self._declaration(path, Role.MAIN)
            if declaration is not None:
                self._own(declaration)

    def lock(self, path: str) -> None:
        """Take in the pins of a lock file."""
        declaration = self._declaration(path, Role.LOCK)
        if declaration is None:
            return
        pins = ((one.name, one.pinned) for one in declaration.requirements if one.pinned is not None)
        self.locks.append((path, tuple(dict(pins).items())))

    def wishes(self) -> Wishes:
        for wish in self.requirements:
            if (reason := self.refused.get(wish.name)) is not None:
                self.notes.append(PackageNote(wish.name, f"{wish.place} asks for it, but {reason}"))
        return Wishes(
            requirements=tuple(wish for wish in self.requirements if wish.name not in self.refused),
            constraints=tuple(self.constraints),
            locks=tuple(self._lock(path, pins) for path, pins in self.locks),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _own(self, declaration: Declaration) -> None:
        if declaration.distribution:
            name = normalised(declaration.distribution)
            self.refused[name] = f"`{declaration.path}` makes it: it is the project's own"

    def _lock(self, path: str, pins: tuple[tuple[str, str], ...]) -> Lock:
        compiled_from = f"{path[:-4]}.in" if _is_compiled(path, self.known) else None
        folder = path[: path.rfind("/") + 1]
        roots = [f"{folder}{name}" for name in _LOCKED] if compiled_from is None else [compiled_from]
        sources: set[str] = set()
        while roots:
            source = roots.pop()
            if source not in sources:
                sources.add(source)
                roots += self.includes.get(source, ())
        return Lock(path, pins, frozenset(sources), compiled_from, bool(sources & self.references))

    def _declaration(self, path: str, role: Role) -> Declaration | None:
        data = self.read(path)
        if data is None:
            return None
        if format_of(path) in (Format.REQUIREMENTS, None):
            if (found := OWN_INDEX.search(data)) is not None:
                line = data.count(b"\n", 0, found.start()) + 1
                reason = "it names an index of its own, which is not asked; your pip configuration says which one is"
                self.notes.append(PackageNote(f"{path}:{line}", reason))
            return read_requirements(path, data, role)
        return read_declaration(path, data)

    def _take(self, path: str, requirement: Requirement, role: Role) -> None:
        place = f"{path}:{requirement.line}"
        if role is Role.CONSTRAINT or requirement.role is Role.CONSTRAINT:
            if requirement.url is None:
                self.constraints.append(Wish(requirement.name, _line(requirement), place))
        elif requirement.role is not Role.MAIN or requirement.is_conda:
            return
        elif requirement.url is not None or requirement.is_editable:
            self.references.add(path)
            name = requirement.written or place
            self.notes.append(
                PackageNote(name, f"{place} asks for a path, a URL or a checkout; Sophia leaves it as it is")
            )
        elif requirement.name == "python":
            self.notes.append(PackageNote(place, "`python` is no package"))
        else:
            self.requirements.append(Wish(requirement.name, _line(requirement), place))


def _line(requirement: Requirement) -> str:
    extras = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.written}{extras}{requirement.specifier}{marker}"


def declarations_among(paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths of files that declare or lock distributions, by their names."""
    return (path for path in paths if format_of(path) is not None)
