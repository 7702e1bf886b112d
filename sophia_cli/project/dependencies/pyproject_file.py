"""`pyproject.toml`: what PEP 621, PEP 735, setuptools, Poetry, PDM, Hatch and uv let it declare."""

from __future__ import annotations

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass, field
from sophia_cli.project.dependencies.entry import entry, quoted_entry, unfinished_entry
from sophia_cli.project.dependencies.formats import DEV_GROUPS
from sophia_cli.project.dependencies.list_places import entry_range
from sophia_cli.project.dependencies.model import Declaration, Format, Include, Problem, Requirement, Role
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.dependencies.poetry_table import poetry_requirements
from sophia_cli.project.dependencies.requirements_file import resolve
from sophia_cli.project.dependencies.text import DeclarationText, read_text
from sophia_cli.project.dependencies.toml_problems import is_unmerged, toml_problems
from sophia_cli.project.dependencies.toml_reader import (
    TomlArray,
    TomlDocument,
    TomlString,
    TomlTable,
    TomlValue,
    read_toml,
)

# PDM writes what is installed from a folder as pip does.
_EDITABLE = late_pattern(r"(?:-e|--editable)[ =]\s*(\S+[#&]egg=([A-Za-z0-9._-]+)\S*)")


@dataclass(slots=True)
class _Reading:
    path: str
    text: DeclarationText
    document: TomlDocument
    requirements: list[Requirement] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, place: int, message: str) -> None:
        self.problems.append(Problem(self.path, self.text.line(place), message))

    def array(self, value: TomlValue, role: Role, group: str) -> None:
        """Read an array of PEP 508 strings; tables in it are PEP 735 includes, whose group is read where it stands."""
        if not isinstance(value, TomlArray):
            if value.end > value.start:
                self.problem(value.start, "an array of requirements is wanted here")
            return
        for item in value.items:
            if isinstance(item, TomlString):
                self.string(item, value, role, group)
            elif not isinstance(item, TomlTable):
                self.problem(item.start, f"`{self.text.text[item.start : item.end]}` is no requirement")

    def string(self, item: TomlString, array: TomlArray, role: Role, group: str) -> None:
        whole = entry_range(self.text, item.start, item.end, array.start)
        if editable := _EDITABLE.fullmatch(item.text):
            places = (item.inner, item.inner + len(item.text))
            self.requirements.append(
                entry(
                    self.text, role, group, name=editable[2], place=item.inner, whole=whole, value=places,
                    url=editable[1], is_editable=True,
                )
            )  # fmt: skip
            return
        found = quoted_entry(self.text, role, group, item.text, place=item.inner, whole=whole)
        if isinstance(found, str):
            self.problem(item.start, found)
            self.requirements += unfinished_entry(self.text, role, group, item.text, place=item.inner, whole=whole)
        else:
            self.requirements.append(found)


def read_pyproject(path: str, data: bytes) -> Declaration:
    """Read a `pyproject.toml`; what cannot be read becomes problems, never an exception."""
    text = read_text(data)
    document = read_toml(text.text)
    reading = _Reading(path, text, document)
    reading.problems += toml_problems(path, text, document)
    _standard(reading)
    _groups(reading)
    poetry, problems = poetry_requirements(path, text, document)
    reading.requirements += poetry
    reading.problems += problems
    if document.has("tool", "pixi"):
        from sophia_cli.project.dependencies.pixi_file import pixi_requirements

        reading.requirements += pixi_requirements(path, text, document, "tool", "pixi")
    _tools(reading)
    dynamic = document.value("project", "dynamic")
    return Declaration(
        path=path,
        format=Format.PYPROJECT,
        requirements=tuple(sorted(reading.requirements, key=lambda requirement: requirement.span.start)),
        includes=tuple(reading.includes),
        problems=tuple(reading.problems),
        distribution=document.string("project", "name") or document.string("tool", "poetry", "name"),
        dynamic=tuple(item.text for item in dynamic.items if isinstance(item, TomlString))
        if isinstance(dynamic, TomlArray)
        else (),
        declares_main=document.has("project") or document.has("tool", "poetry"),
        is_unmerged=is_unmerged(text),
    )


def _standard(reading: _Reading) -> None:
    document = reading.document
    if value := document.value("build-system", "requires"):
        reading.array(value, Role.BUILD, "")
    if value := document.value("project", "dependencies"):
        reading.array(value, Role.MAIN, "")
    for pair in document.leaves("project", "optional-dependencies"):
        if len(pair.key) == 1:
            reading.array(pair.value, Role.OPTIONAL, pair.key[0])
    for pair in document.leaves("dependency-groups"):
        if len(pair.key) == 1:
            reading.array(pair.value, Role.DEV, pair.key[0])


def _groups(reading: _Reading) -> None:
    """Tell which of the groups (PEP 735) that others take in are not there, and the first of a circle of them."""
    taken: dict[str, dict[str, int]] = {}
    for pair in reading.document.leaves("dependency-groups"):
        if len(pair.key) == 1 and isinstance(pair.value, TomlArray):
            taken[normalised(pair.key[0])] = {
                normalised(inner.value.text): inner.value.start
                for item in pair.value.items
                if isinstance(item, TomlTable)
                for inner in item.pairs
                if inner.key == ("include-group",) and isinstance(inner.value, TomlString)
            }
    for included in taken.values():
        for name, place in included.items():
            if name not in taken:
                reading.problem(place, f"includes the group `{name}`, which does not exist")
    for group in taken:
        above = [group]
        while (following := next((name for name in taken.get(above[-1], ()) if name not in above), None)) is not None:
            above.append(following)
        if group in taken.get(above[-1], ()):
            told = " -> ".join((*above, group))
            reading.problem(taken[above[-1]][group], f"includes the group `{group}` in a circle: {told}")
            return


def _tools(reading: _Reading) -> None:
    document = reading.document
    for pair in document.leaves("tool", "pdm", "dev-dependencies"):
        if len(pair.key) == 1:
            reading.array(pair.value, Role.DEV, pair.key[0])
    for key in (
        "dev-dependencies",
        "constraint-dependencies",
        "override-dependencies",
        "build-constraint-dependencies",
    ):
        if value := document.value("tool", "uv", key):
            reading.array(value, Role.DEV if key == "dev-dependencies" else Role.CONSTRAINT, "")
    for pair in document.leaves("tool", "hatch", "envs"):
        if len(pair.key) == 2 and pair.key[1] in ("dependencies", "extra-dependencies"):
            reading.array(pair.value, Role.DEV, pair.key[0])
    for pair in document.leaves("tool", "tox"):
        if pair.key and pair.key[-1] == "deps" and isinstance(pair.value, TomlArray):
            reading.array(pair.value, Role.DEV, "tox")
    for pair in document.leaves("tool", "flit", "metadata"):
        if pair.key == ("requires",):
            reading.array(pair.value, Role.MAIN, "")
        elif len(pair.key) == 2 and pair.key[0] == "requires-extra":
            reading.array(pair.value, Role.OPTIONAL, pair.key[1])
    _files(reading)


def _files(reading: _Reading) -> None:
    """Read from which files setuptools, or the plugin of Hatch for it, takes dynamic dependencies."""
    for pair in reading.document.leaves("tool", "setuptools", "dynamic"):
        if pair.key == ("dependencies", "file"):
            _included(reading, pair.value, Role.MAIN)
        elif len(pair.key) == 3 and pair.key[0] == "optional-dependencies" and pair.key[2] == "file":
            _included(reading, pair.value, _extra_role(pair.key[1]))
    for pair in reading.document.leaves("tool", "hatch", "metadata", "hooks", "requirements_txt"):
        if pair.key in (("files",), ("filename",)):
            _included(reading, pair.value, Role.MAIN)
        elif len(pair.key) == 2 and pair.key[0] == "optional-dependencies":
            _included(reading, pair.value, _extra_role(pair.key[1]))


def _extra_role(extra: str) -> Role:
    return Role.DEV if extra in DEV_GROUPS else Role.OPTIONAL


def _included(reading: _Reading, value: TomlValue, role: Role) -> None:
    for item in value.items if isinstance(value, TomlArray) else (value,):
        if isinstance(item, TomlString):
            target = resolve(reading.path, item.text)
            reading.includes.append(Include(item.text, target, role, reading.text.line(item.start)))
