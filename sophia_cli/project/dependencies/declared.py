"""All declarations of a project together: what includes what, and which of them cover a file's imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from sophia_cli.core.values import dataclass, field, replace
from sophia_cli.project.dependencies.formats import format_of, role_of
from sophia_cli.project.dependencies.model import Declaration, Format, Include, Problem, Requirement, Role
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.dependencies.reading import read_declaration

Read = Callable[[str], bytes | None]
"""Gives the bytes of a file of the project by its path, None when there is none or it cannot be read."""

_FOLDERS_OF_REQUIREMENTS = frozenset({"requirements", "reqs", "dependencies"})
_SAMPLE_FOLDERS = frozenset(
    {"fixtures", "fixture", "testdata", "test_data", "test-data", "test_fixtures", "__fixtures__"}
)
_SIDE_FOLDERS = frozenset({"tests", "test", "docs", "doc", "examples", "example", "benchmarks", "scripts", "ci"})

_PROSE = 5
_BROKEN = 5
"""Lines that pip would refuse from which a file may be no list of requirements at all."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the project declares.

    `files` holds every declaration by path, also those that only another file's include leads to. `reach` gives, for
    each, itself and all that it includes, directly or not, with the role that the includes give it. `problems` are
    those of all files, and includes that lead nowhere or in a circle.
    """

    files: Mapping[str, Declaration]
    reach: Mapping[str, tuple[tuple[str, Role | None], ...]]
    problems: tuple[Problem, ...]
    _homes: Mapping[str, tuple[Declaration, ...]] = field(default_factory=dict)

    @property
    def has_declarations(self) -> bool:
        """Whether anything in the project says what it needs."""
        return bool(self._homes)

    def requirements(self, path: str) -> Iterator[tuple[Declaration, Requirement]]:
        """Yield what a file asks for, with what it includes; bounds alone (`-c`) ask for nothing."""
        for included, role in self.reach.get(path, ()):
            declaration = self.files[included]
            if role is Role.CONSTRAINT:
                continue
            for requirement in declaration.requirements:
                if requirement.role is not Role.CONSTRAINT:
                    yield declaration, requirement

    def homes_of(self, path: str) -> tuple[tuple[Declaration, ...], ...]:
        """Return the declarations that cover a Python file: those nearest upwards, and the root's.

        A folder of tests or documentation that declares for itself does so on top of what is above it.
        """
        found: list[tuple[Declaration, ...]] = []
        folder = path.rpartition("/")[0]
        while folder:
            here = self._homes.get(folder)
            if here:
                found.append(here)
                is_side = folder.rpartition("/")[2].lower() in _SIDE_FOLDERS
                if not is_side and not all(_is_for_development(one) for one in here):
                    break
            folder = folder.rpartition("/")[0]
        root = self._homes.get("")
        return (*found, root) if root else tuple(found)

    def locks(self) -> Iterator[Declaration]:
        """Yield the files that pin what is installed: lock files, and what a resolver wrote."""
        for declaration in self.files.values():
            if declaration.format in (Format.LOCK, Format.PIP_LIST) or declaration.is_compiled:
                yield declaration

    def own_distributions(self) -> frozenset[str]:
        """Return the normalised names of the distributions that the project itself makes."""
        return frozenset(normalised(one.distribution) for one in self.files.values() if one.distribution)


def _is_for_development(declaration: Declaration) -> bool:
    return declaration.format is Format.REQUIREMENTS and role_of(declaration.path) is Role.DEV


def collect(paths: Iterable[str], read: Read) -> Declared:
    """Read every declaration among `paths`, and what they include whatever its name. Never fails."""
    files: dict[str, Declaration] = {}
    for path in sorted(paths):
        if format_of(path) is not None and not is_sample(path) and (data := read(path)) is not None:
            declaration = read_declaration(path, data)
            if declaration is not None and not _is_prose(declaration):
                files[path] = declaration
    problems: list[Problem] = []
    todo = list(files.values())
    while todo:
        declaration = todo.pop()
        for include in declaration.includes:
            found = _included(declaration, include, files, read)
            if isinstance(found, Problem):
                problems.append(found)
            elif found is not None:
                files[found.path] = found
                todo.append(found)
    files = {path: _with_names(declaration, files) for path, declaration in files.items()}
    circles: dict[frozenset[str], Problem] = {}
    reach = {path: tuple(_reach(path, files, circles)) for path in files}
    problems += circles.values()
    problems += (problem for declaration in files.values() for problem in declaration.problems)
    ordered = tuple(sorted(set(problems), key=lambda problem: (problem.path, problem.line, problem.message)))
    return Declared(files, reach, ordered, _homes(files))


def _with_names(declaration: Declaration, files: Mapping[str, Declaration]) -> Declaration:
    """Return a declaration in which what is installed from a folder of the project has the name that this makes."""
    if all(requirement.name for requirement in declaration.requirements):
        return declaration
    named = tuple(_with_name(requirement, declaration.path, files) for requirement in declaration.requirements)
    return replace(declaration, requirements=named)


def _with_name(requirement: Requirement, path: str, files: Mapping[str, Declaration]) -> Requirement:
    if requirement.name or not requirement.url:
        return requirement
    from sophia_cli.project.dependencies.requirements_file import resolve

    folder = resolve(path, requirement.url.partition("[")[0].removeprefix("file:").rstrip("/"))
    for name in ("pyproject.toml", "setup.cfg", "setup.py") if folder else ():
        found = files.get(name if folder == "." else f"{folder}/{name}")
        if found is not None and found.distribution:
            return replace(requirement, name=normalised(found.distribution))
    return requirement


def _is_prose(declaration: Declaration) -> bool:
    """Whether a file that is only called like a list of requirements holds mostly what is none: a text about them.

    One that pins versions is a list, however much of it is broken.
    """
    problems, lines = len(declaration.problems), len(declaration.requirements) + len(declaration.includes)
    is_pinned = any(requirement.specifier for requirement in declaration.requirements)
    is_mostly = problems > (_BROKEN if is_pinned else 1) * lines
    return declaration.format is Format.REQUIREMENTS and problems >= _PROSE and is_mostly


def is_sample(path: str) -> bool:
    """Return whether a declaration is a test's input rather than the project's own: below fixtures, or deep in tests.

    Requirements files in a folder of tests are meant: `tests/integration/requirements.txt`.
    """
    folders = path.lower().split("/")[:-1]
    if any(folder in _SAMPLE_FOLDERS for folder in folders):
        return True
    is_in_tests = any(folder in ("tests", "test") for folder in folders[:-1])
    return is_in_tests and format_of(path) is not Format.REQUIREMENTS


def _included(
    declaration: Declaration, include: Include, files: Mapping[str, Declaration], read: Read
) -> Declaration | Problem | None:
    """Return a declaration that nobody has read yet, a problem where there is none, None where it is known."""
    if include.path is None or include.path in files:
        return None
    data = read(include.path)
    if data is None:
        return Problem(declaration.path, include.line, f"includes `{include.written}`, which does not exist")
    known = read_declaration(include.path, data)
    if known is not None:
        return known
    from sophia_cli.project.dependencies.requirements_file import read_requirements

    return read_requirements(include.path, data, include.role)


def _reach(
    start: str, files: Mapping[str, Declaration], circles: dict[frozenset[str], Problem]
) -> Iterator[tuple[str, Role | None]]:
    """Yield `start` and what it includes, each once; a circle is a problem of one line, the one that closes it."""
    seen = {start}
    stack: list[tuple[str, Role | None, tuple[str, ...]]] = [(start, None, ())]
    while stack:
        path, role, above = stack.pop()
        yield path, role
        for include in reversed(files[path].includes):
            target = include.path
            if target is None or target not in files:
                continue
            if target == path or target in above:
                begin = (*above, path).index(target)
                files_of_it = (*above, path)[begin:]
                told = f"includes `{include.written}` in a circle: {' -> '.join((*files_of_it, target))}"
                problem = Problem(path, include.line, told)
                known = circles.setdefault(frozenset(files_of_it), problem)
                if problem.path < known.path:
                    circles[frozenset(files_of_it)] = problem
            elif target not in seen:
                seen.add(target)
                below = include.role if include.role is Role.CONSTRAINT else role
                stack.append((target, below, (*above, path)))


def _homes(files: Mapping[str, Declaration]) -> Mapping[str, tuple[Declaration, ...]]:
    homes: dict[str, list[Declaration]] = {}
    for declaration in files.values():
        if declaration.format in (Format.LOCK, Format.PIP_LIST):
            continue
        if declaration.format is Format.REQUIREMENTS and role_of(declaration.path) is Role.CONSTRAINT:
            continue
        if declaration.declares_main or any(one.role is not Role.BUILD for one in declaration.requirements):
            homes.setdefault(home_of(declaration), []).append(declaration)
    return {folder: tuple(sorted(found, key=lambda one: one.path)) for folder, found in homes.items()}


def home_of(declaration: Declaration) -> str:
    """Return the folder whose code a declaration is for: `requirements/dev.txt` is for the folder above."""
    folder = declaration.folder
    if declaration.format is Format.REQUIREMENTS and folder.rpartition("/")[2].lower() in _FOLDERS_OF_REQUIREMENTS:
        return folder.rpartition("/")[0]
    return folder
