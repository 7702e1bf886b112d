"""What became of a name that a module had earlier: another name for the same code, or none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Protocol

from sophia_cli.core.values import dataclass

_ALIKE = 0.85
_ALIKE_ALONE = 0.5  # where one definition went and one came
_LONGEST = 400  # lines of a definition
_SHORTEST_VALUE = 8  # characters
_VERSIONS_READ = 12


class EarlierText(Protocol):
    """A file's text before a commit changed it."""

    @property
    def commit(self) -> str: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NameFate:
    """The commit that took a name away, and what its code is called today, None where that is not there any more."""

    commit: str
    name: str | None


def fate_of_name(name: str, today: str, earlier: Sequence[EarlierText]) -> NameFate | None:
    """Return what became of a name that a module does not have today; None where no earlier version had it.

    `today` is the module's text, `earlier` are its older texts, newest first. A function, class or constant counts as
    renamed when one that the older text did not have holds the same code, or nearly, and no other one does; where one
    definition went and one came, half of the code is enough.
    """
    versions = [version for version in earlier[:_VERSIONS_READ] if name in version.text]
    now = _definitions(today) if versions else None
    if now is None:
        return None
    for version in versions:
        then = _definitions(version.text)
        if then is None or name not in then.places:
            continue
        fresh = {other: now.code(other) for other in now.places if other not in then.places}
        code = then.code(name)
        gone = [other for other in then.places if other != name and other not in now.places]
        if any(then.code(other) == code for other in gone):
            # Nothing tells which of them got the other name.
            return NameFate(version.commit, None)
        return NameFate(version.commit, _same_code(code, fresh, is_alone=not gone and len(fresh) == 1))
    return None


def _same_code(wanted: list[str], fresh: dict[str, list[str]], *, is_alone: bool) -> str | None:
    equal = [name for name, code in fresh.items() if code == wanted]
    if equal:
        return equal[0] if len(equal) == 1 else None
    if len(wanted) < 2 or len(wanted) > _LONGEST:
        return None
    least, growth = (_ALIKE_ALONE, 2) if is_alone else (_ALIKE, 4)
    alike = [
        name
        for name, code in fresh.items()
        if abs(len(code) - len(wanted)) * growth <= len(wanted)
        and SequenceMatcher(None, wanted, code, autojunk=False).ratio() >= least
    ]
    return alike[0] if len(alike) == 1 else None


@dataclass(frozen=True, slots=True)
class _Definitions:
    """The first and last line of each name that a text's own level defines once."""

    lines: list[str]
    places: dict[str, tuple[int, int]]

    def code(self, name: str) -> list[str]:
        """Return the code of a name, the name itself left out of it."""
        first, last = self.places[name]
        own = re.compile(rf"\b{re.escape(name)}\b")
        return [
            (own.sub("_", line) if name in line else line).rstrip()
            for line in self.lines[first - 1 : last]
            if line.strip()
        ]


def _definitions(text: str) -> _Definitions | None:
    """Return what the module's own level defines; None for a text that does not compile."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: dict[str, tuple[int, int]] = {}
    twice: set[str] = set()
    for name, first, last in _places(tree):
        if name in found:
            twice.add(name)
        found[name] = first, last
    return _Definitions(text.split("\n"), {name: place for name, place in found.items() if name not in twice})


def _places(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                yield name, first, node.end_lineno or node.lineno
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _says_enough(value):
                yield name, node.lineno, node.end_lineno or node.lineno
            case _:
                pass


def _says_enough(value: ast.expr) -> bool:
    """Whether a value is long enough to be known again; writing it out takes longer than reading the file."""
    return _least_length(value) >= _SHORTEST_VALUE or len(ast.unparse(value)) >= _SHORTEST_VALUE


def _least_length(value: ast.expr) -> int:
    """Return a length that a value has at least when it is written out."""
    match value:
        case ast.Constant(value=str(text)):
            return len(text)
        case ast.Name(id=name):
            return len(name)
        case ast.Attribute(value=inner, attr=name):
            return _least_length(inner) + len(name) + 1
        case ast.Call(func=inner):
            return _least_length(inner) + 2
        case ast.Subscript(value=inner):
            return _least_length(inner) + 3
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return 2 * len(elements)
        case ast.Dict(values=elements):
            return 4 * len(elements)
    return 0
