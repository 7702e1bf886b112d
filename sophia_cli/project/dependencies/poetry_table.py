"""Poetry's dependency tables and Pipfile's, which look alike: `name = "^1.2"` or `name = { version = ... }`."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.values import dataclass
from sophia_cli.project.dependencies.entry import entry
from sophia_cli.project.dependencies.list_places import line_range
from sophia_cli.project.dependencies.model import Problem, Requirement, Role
from sophia_cli.project.dependencies.text import DeclarationText
from sophia_cli.project.dependencies.toml_reader import (
    TomlArray,
    TomlDocument,
    TomlPair,
    TomlScalar,
    TomlString,
    TomlTable,
    TomlValue,
)
from sophia_cli.project.dependencies.versions import from_poetry

_SOURCES = ("path", "file", "url", "git", "hg", "svn", "ref")


@dataclass(slots=True)
class _Wanted:
    """One distribution of such a table, its facts possibly from several lines."""

    name: str
    start: int
    end: int
    version: TomlString | None = None
    extras: tuple[str, ...] = ()
    marker: str = ""
    url: str | None = None
    is_editable: bool = False
    is_optional: bool = False
    is_spread: bool = False


def poetry_requirements(
    path: str, text: DeclarationText, document: TomlDocument
) -> tuple[tuple[Requirement, ...], tuple[Problem, ...]]:
    """Return what Poetry's tables in a `pyproject.toml` declare, and what in them cannot be read."""
    found: list[Requirement] = []
    problems: list[Problem] = []
    tables: list[tuple[tuple[str, ...], Role, str]] = [
        (("tool", "poetry", "dependencies"), Role.MAIN, ""),
        (("tool", "poetry", "dev-dependencies"), Role.DEV, "dev"),
    ]
    groups = dict.fromkeys(pair.key[0] for pair in document.pairs("tool", "poetry", "group") if pair.key)
    tables += [
        (("tool", "poetry", "group", name, "dependencies"), Role.MAIN if name == "main" else Role.DEV, name)
        for name in groups
    ]
    for prefix, role, group in tables:
        requirements, faults = table_requirements(path, text, document, prefix, role, group)
        found += (one for one in requirements if one.name != "python")
        problems += faults
    return tuple(found), tuple(problems)


def table_requirements(
    path: str, text: DeclarationText, document: TomlDocument, prefix: tuple[str, ...], role: Role, group: str
) -> tuple[tuple[Requirement, ...], tuple[Problem, ...]]:
    """Return what the table at `prefix` declares."""
    wanted: dict[str, _Wanted] = {}
    for pair in document.pairs(*prefix):
        if pair.key:
            _collect(wanted, pair)
    requirements: list[Requirement] = []
    problems: list[Problem] = []
    for one in wanted.values():
        words = one.version.text if one.version else ""
        specifier = from_poetry(words)
        line = text.line(one.version.start if one.version else one.start)
        if specifier is None and "|" not in words:
            problems.append(Problem(path, line, f"`{words}` is no version constraint"))
        value = (one.version.inner, one.version.end - 1) if one.version else (one.end, one.end)
        requirements.append(
            entry(
                text,
                Role.OPTIONAL if one.is_optional and role is Role.MAIN else role,
                group,
                name=one.name,
                place=one.start,
                # A distribution that has a table of its own is more than lines to cut.
                whole=(one.start, one.start) if one.is_spread else line_range(text, one.start, one.end),
                value=value,
                extras=one.extras,
                specifier=specifier or "",
                written=words,
                marker=one.marker,
                url=one.url,
                is_editable=one.is_editable,
                is_table_entry=True,
            )
        )
    return tuple(requirements), tuple(problems)


def _collect(wanted: dict[str, _Wanted], pair: TomlPair) -> None:
    name = pair.key[0]
    one = wanted.setdefault(name, _Wanted(name, pair.start, pair.value.end))
    one.end = max(one.end, pair.value.end)
    one.is_spread = one.is_spread or len(pair.key) > 1
    for key, value in _facts(pair):
        _take(one, key, value)


def _facts(pair: TomlPair) -> Iterator[tuple[str, TomlValue]]:
    if len(pair.key) > 1:
        yield pair.key[1], pair.value
    elif isinstance(pair.value, TomlTable):
        for inner in pair.value.pairs:
            yield inner.key[0], inner.value
    elif isinstance(pair.value, TomlArray):
        # Several tables with markers of their own: no one version set says what they say together.
        for item in pair.value.items:
            if isinstance(item, TomlTable):
                for inner in item.pairs:
                    if inner.key[0] != "version":
                        yield inner.key[0], inner.value
    else:
        yield "version", pair.value


def _take(one: _Wanted, key: str, value: TomlValue) -> None:
    if isinstance(value, TomlString):
        if key == "version":
            one.version = value
        elif key == "markers":
            one.marker = value.text
        elif key == "python":
            one.marker = one.marker or f"python_version {value.text}"
        elif key in _SOURCES:
            one.url = one.url or value.text
    elif key == "extras" and isinstance(value, TomlArray):
        one.extras = tuple(item.text for item in value.items if isinstance(item, TomlString))
    elif isinstance(value, TomlScalar) and value.text == "true":
        one.is_optional = one.is_optional or key == "optional"
        one.is_editable = one.is_editable or key in ("editable", "develop")
