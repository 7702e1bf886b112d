"""Where in a text something of interest can stand, so that the rest of its tree need not be gone through."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterable, Sequence


class Hints:
    """Lines of a text, from 1 and in order, that hold certain words: comments and strings too.

    `visits` are those for which the body of a function is gone through, `looks` those whose statement is looked at
    closely: `loads` for calls that load modules, `paths` for edits of the path, `writes` for written names.
    `walruses` hold assignment expressions.
    """

    __slots__ = ("loads", "looks", "paths", "visits", "walruses", "writes")

    def __init__(self, text: str) -> None:
        imports, system = _positions(text, "import"), _positions(text, "sys.")
        globals_ = _positions(text, "global")
        paths = [at for at in system if text.startswith("path", at + 4)]
        paths += _positions(text, "addsitedir")
        modules = [at for at in system if text.startswith("modules", at + 4)]
        own = [at for word in ("vars(", "locals(", "exec(", "create_module(") for at in _positions(text, word)]
        calls = ("import_module", "importorskip", "import__")
        self.visits = _lines(text, [*imports, *globals_, *paths, *modules])
        self.loads = _lines(text, [at for at in imports if text.startswith(calls, at)])
        self.paths = _lines(text, paths)
        self.writes = _lines(text, [*modules, *own, *(at for at in globals_ if text.startswith("globals(", at))])
        self.looks = sorted({*self.loads, *self.paths, *self.writes})
        self.walruses = _lines(text, _positions(text, ":="))


def lines_with(text: str, words: Iterable[str]) -> list[int]:
    """Return the lines of a text, from 1 and in order, in which one of the words stands."""
    return _lines(text, [at for word in words for at in _positions(text, word)])


def within(lines: Sequence[int], statement: ast.stmt) -> bool:
    """Whether one of the lines, which are in order, is one of the statement's; those of its decorators do not count."""
    index = bisect_left(lines, statement.lineno)
    return index < len(lines) and lines[index] <= (statement.end_lineno or statement.lineno)


def _positions(text: str, word: str) -> list[int]:
    found: list[int] = []
    at = text.find(word)
    while at >= 0:
        found.append(at)
        at = text.find(word, at + len(word))
    return found


def _lines(text: str, positions: list[int]) -> list[int]:
    lines: list[int] = []
    line, last = 1, 0
    for position in sorted(positions):
        line += text.count("\n", last, position)
        last = position
        lines.append(line)
    return lines
