"""What became of a parameter, as history tells: renamed, dropped, or never there."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Protocol

from sophia_cli.core.values import dataclass
from sophia_cli.project.calls.signatures import signature_of
from sophia_cli.project.calls.wrong import Definition
from sophia_cli.project.code.calls import CallSurface, Class, Expression


class Earlier(Protocol):
    """A file's text before a commit (`project.history.moves.EarlierText`)."""

    @property
    def commit(self) -> str: ...

    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Fate:
    """A parameter that is gone since `commit`; `name` is what it is called today, None where nothing took its place."""

    commit: str
    name: str | None


def fate_of(parameter: str, definition: Definition, today: CallSurface, earlier: Sequence[Earlier]) -> Fate | None:
    """Return what became of a parameter that a callable does not take today; None where history does not tell.

    `earlier` are the texts of the callable's file, newest first.
    """
    names = _parameters(today, definition)
    if names is None:
        return None
    versions = [names]
    for index, version in enumerate(earlier):
        older = _parameters_in(version.text, definition)
        if older is None:
            return None
        if parameter in older:
            return _followed(parameter, older, versions, [item.commit for item in earlier[: index + 1]])
        versions.append(older)
    return None


def _followed(parameter: str, older: list[str], versions: list[list[str]], commits: list[str]) -> Fate | None:
    """Follow a name from the version that has it to today's; `versions` and `commits` are newest first."""
    name = parameter
    changed_by = ""
    for newer, commit in zip(reversed(versions), reversed(commits), strict=True):
        if name not in newer:
            changed_by = changed_by or commit
            gone = [item for item in older if item not in newer]
            come = [item for item in newer if item not in older]
            if not come:
                return Fate(commit, None)
            renamed = _counterpart(name, older, newer, gone, come)
            if renamed is None:
                return None
            name = renamed
        older = newer
    return Fate(changed_by, name)


def _counterpart(name: str, older: list[str], newer: list[str], gone: list[str], come: list[str]) -> str | None:
    """Return the parameter that took a name's place: the only one that came, or the one between the same neighbours."""
    if len(gone) == len(come) == 1:
        return come[0]
    before, after = _neighbours(name, older)
    fitting = [other for other in come if _neighbours(other, newer) == (before, after)]
    return fitting[0] if len(fitting) == 1 else None


def _neighbours(name: str, names: list[str]) -> tuple[str | None, str | None]:
    at = names.index(name)
    return (names[at - 1] if at else None, names[at + 1] if at + 1 < len(names) else None)


def _parameters_in(text: str, definition: Definition) -> list[str] | None:
    # Every scan loads the rules; one that answers from the cache reads no tree.
    from sophia_cli.project.code.extract_calls import calls_of

    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _parameters(calls_of(tree, text), definition)


def _parameters(surface: CallSurface, definition: Definition) -> list[str] | None:
    """Return the names that the callable takes in this version of its file, None where it is not there, or twice."""
    if not definition.owner:
        return _of_function(surface, [name.values for name in surface.names if name.name == definition.name])
    classes = [class_ for class_ in surface.classes if class_.name == definition.owner]
    if len(classes) != 1:
        return None
    written = [member.values for member in classes[0].members if member.name == definition.name]
    if written or definition.name != "__init__":
        return _of_function(surface, written)
    made = [member.values for member in classes[0].members if member.name == "__new__"]
    return _of_function(surface, made) if made else _of_fields(classes[0])


def _of_function(surface: CallSurface, values: list[tuple[Expression, ...]]) -> list[str] | None:
    match values:
        case [(expression,)] if expression.startswith("&"):
            signature = signature_of(surface.functions[int(expression[1:])].parameters)
            return [*signature.positional, *signature.keyword_only]
    return None


def _of_fields(class_: Class) -> list[str]:
    return [field.name for field in class_.fields]
