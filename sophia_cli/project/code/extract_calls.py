"""From a file's tree to what it says about calls."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.code.calls import UNKNOWN, Call, CallSurface, Expression, Keyword
from sophia_cli.project.code.certainty import is_known_compiler, may_be_certain
from sophia_cli.project.code.extract_calls_drafts import names_of
from sophia_cli.project.code.extract_calls_expressions import chain_of, written_of
from sophia_cli.project.code.extract_calls_scope import Meaning, Reference, Scope, expression_of
from sophia_cli.project.code.extract_calls_walk import Walk

_Column = Callable[[int, int], int]
_EXCUSING = ("ignore", "pylint:")
_EXCUSE = late_pattern(
    r"#\s*(?:type:\s*ignore(?!\[)|(?:type|pyright|ty|pyrefly):\s*ignore\[[^\]]*"
    r"(?:call-arg|call-overload|misc|reportCallIssue|reportGeneralTypeIssues|unknown-argument|missing-argument"
    r"|unexpected-keyword)|pylint:\s*disable=[\w\s,-]*(?:unexpected-keyword-arg|no-value-for-parameter))"
)


def calls_of(tree: ast.Module, text: str) -> CallSurface:
    """Return the callables that a file defines and the calls that it makes; `text` is what the tree was parsed from.

    A file that is nested too deeply to be read says nothing.
    """
    return calls_and_certainty(tree, text)[0]


def calls_and_certainty(tree: ast.Module, text: str) -> tuple[CallSurface, bool]:
    """Return the same, and whether the tree surely compiles (`certainty`)."""
    walk = Walk()
    try:
        calls = _read(walk, tree, text)
    except RecursionError:
        return CallSurface(), False
    return calls, not walk.scanner.is_doubtful and is_known_compiler() and may_be_certain(tree, text)


def _read(walk: Walk, tree: ast.Module, text: str) -> CallSurface:
    walk.scanner.has_suspects = ":=" in text or "yield" in text
    walk.statements(tree.body, walk.module)
    for reference in walk.early:
        if reference.root in walk.module.bindings:
            # What it is bound to comes later: a built-in, or what a star import brought, is meant.
            reference.settled = UNKNOWN
    walk.calls += _module_calls(walk.module, bool(walk.stars))
    column = _columns(text)
    excused = _excused_lines(text)
    calls = [
        call
        for meaning, node in walk.calls
        if not (excused and _is_excused(node, excused)) and (call := _call(meaning, node, column)) is not None
    ]
    return CallSurface(
        tuple([function.finished() for function in walk.functions]),
        tuple([class_.finished() for class_ in walk.scanner.classes]),
        names_of(walk.module.bindings),
        tuple([tuple([expression_of(meaning) for meaning in meanings]) for meanings in walk.locals.meanings]),
        tuple(walk.stars),
        tuple(sorted(walk.scanner.replaced)),
        tuple(sorted(calls, key=attrgetter("line", "column"))),
    )


def _excused_lines(text: str) -> frozenset[int]:
    """Return the lines whose comment tells a type checker or linter that the arguments of a call are meant so."""
    if not any(word in text for word in _EXCUSING):
        return frozenset()
    return frozenset(text.count("\n", 0, match.start()) + 1 for match in _EXCUSE.finditer(text))


def _is_excused(call: ast.Call, lines: frozenset[int]) -> bool:
    return call.lineno in lines or any(keyword.lineno in lines for keyword in call.keywords)


def _module_calls(module: Scope, has_stars: bool) -> list[tuple[Meaning, ast.Call]]:
    """Return the calls whose root the module binds to what may be the project's own."""
    foreign: dict[str, bool] = {}
    return [
        (Expression(root), call)
        for root, call in module.calls
        if not _is_foreign_name(root, module.bindings, foreign, has_stars)
    ]


def _is_foreign_name(
    name: str, bindings: Mapping[str, Sequence[Meaning]], foreign: dict[str, bool], has_stars: bool
) -> bool:
    """Whether a name of the module is unknown, built in or comes from the standard library."""
    known = foreign.get(name)
    if known is None:
        # A name that is bound to itself is nobody's.
        foreign[name] = True
        meanings = bindings.get(name)
        if meanings is None:
            known = not has_stars
        else:
            known = any(
                _is_foreign_name(meaning.root, bindings, foreign, has_stars)
                if isinstance(meaning, Reference) and meaning.settled is None
                else _is_foreign(expression_of(meaning))
                for meaning in meanings
            )
        foreign[name] = known
    return known


def _is_foreign(expression: Expression) -> bool:
    """Whether an expression is unknown or of the standard library."""
    if expression.startswith("<"):
        return expression[1 : expression.index(">")].partition(".")[0] in sys.stdlib_module_names
    return expression == UNKNOWN


def _call(meaning: Meaning, node: ast.Call, column: _Column | None) -> Call | None:
    root = expression_of(meaning)
    chain = None if _is_foreign(root) else chain_of(node.func)
    if chain is None:
        return None
    arguments = node.args
    positional = len(arguments)
    if arguments:
        positional -= sum([type(argument) is ast.Starred for argument in arguments])
    keywords = []
    for keyword in node.keywords:
        if keyword.arg is not None:
            line, offset = keyword.lineno, keyword.col_offset
            keywords.append(Keyword(keyword.arg, line, column(line, offset) if column else offset + 1))
    line, offset = node.lineno, node.col_offset
    return Call(
        Expression(root + chain[1]),
        written_of(node.func),
        line,
        column(line, offset) if column else offset + 1,
        positional,
        tuple(keywords),
        positional != len(arguments),
        len(keywords) != len(node.keywords),
    )


def _columns(text: str) -> _Column | None:
    """Return what turns a line and a byte offset of the tree into a column from 1, in characters.

    None where each character is a byte, as in most files: the column is one more than the offset.
    """
    if text.isascii():
        return None
    lines = text.split("\n")

    def column(line: int, offset: int) -> int:
        content = lines[line - 1] if line <= len(lines) else ""
        if content.isascii():
            return offset + 1
        return len(content.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace")) + 1

    return column
