"""What became of a name that a module had earlier: another name for the same code, or none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Protocol

from sophia_cli.core.values import dataclass

_ALIKE = 0.85
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
    renamed when one that the older text did not have holds the same code, or nearly, and no other one does.
    """
    now = _definitions(today)
    if now is None:
        return None
    for version in earlier[:_VERSIONS_READ]:
        if name not in version.text:
            continue
        then = _definitions(version.text)
        if then is None or name not in then:
            continue
        fresh = {other: code for other, code in now.items() if other not in then}
        return NameFate(version.commit, _same_code(then[name], fresh))
    return None


def _same_code(wanted: list[str], fresh: dict[str, list[str]]) -> str | None:
    equal = [name for name, code in fresh.items() if code == wanted]
    if equal:
        return equal[0] if len(equal) == 1 else None
    if len(wanted) < 2 or len(wanted) > _LONGEST:
        return None
    alike = [
        name
        for name, code in fresh.items()
        if abs(len(code) - len(wanted)) * 4 <= len(wanted)
        and SequenceMatcher(None, wanted, code, autojunk=False).ratio() >= _ALIKE
    ]
    return alike[0] if len(alike) == 1 else None


def _definitions(text: str) -> dict[str, list[str]] | None:
    """Return the code of each name that the module's own level defines once, the name itself left out of it.

    None for a text that does not compile.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = text.split("\n")
    found: dict[str, list[str]] = {}
    twice: set[str] = set()
    for name, first, last in _places(tree):
        if name in found:
            twice.add(name)
        own = re.compile(rf"\b{re.escape(name)}\b")
        found[name] = [own.sub("_", line).rstrip() for line in lines[first - 1 : last] if line.strip()]
    return {name: code for name, code in found.items() if name not in twice}


def _places(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                yield name, first, node.end_lineno or node.lineno
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if len(ast.unparse(value)) >= _SHORTEST_VALUE:
                yield name, node.lineno, node.end_lineno or node.lineno
            case _:
                pass
