"""What the compiler may still refuse in a text that parses, and where a file holds none of it.

Behind the parser CPython has stages that refuse a tree: `from __future__`, symbol tables, code generation. All that
they say is about names (`global`, `nonlocal`, `__debug__`, assignment expressions, parameters or keywords given twice),
where a statement stands (`return`, `break`, `continue`, a star import, a bare `except` that is not the last, the future
import), `yield` and `await` in the wrong scope, asynchronous comprehensions, stars where none can be, patterns,
`except*`, and the amount of nesting. The walk that reads calls meets all of these; where it met none, the tree
compiles. In any doubt it does not say so, and the compiler is asked.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.code.extract_calls_relay import FunctionNode, own_nodes

_FEATURES = frozenset(
    {"nested_scopes", "generators", "division", "absolute_import", "with_statement", "print_function"}
    | {"unicode_literals", "generator_stop", "annotations"}
)
# Letters that stand for others, so that `__debug__` and `__future__` may be written in several ways.
_COMPATIBILITY = late_pattern(
    "[\u01c6\u01f3\u02b0-\u02ff\u1d2c-\u1dbf\u2071-\u209c\u210a\u212f\u2146\u2147\u217e\ufb00-\ufb06"
    "\ufe33\ufe34\ufe4d-\ufe4f\uff3f-\uff5a\U0001d400-\U0001d7ff]"
)
_PLAIN = frozenset((ast.Name, ast.Constant))
BLOCKS = 12  # that a compiler keeps track of in one function; it takes 20
MANY = 200  # items of a target, of which the compiler takes 255 before a star


def is_known_compiler() -> bool:
    """Whether this Python's compiler is the one that was compared with what is said here."""
    return sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 11)


def may_be_certain(tree: ast.Module, text: str) -> bool:
    """Whether nothing in a text rules out that the walk can tell; what it says is worth nothing else."""
    if "__debug__" in text or (not text.isascii() and _COMPATIBILITY.search(text)):
        return False
    if "__future__" not in text:
        return True
    first = 1 if tree.body and _is_docstring(tree.body[0]) else 0
    leading = 0
    for statement in tree.body[first:]:
        if not _is_future_import(statement):
            break
        leading += 1
    return leading == text.count("__future__")


def is_plain(annotation: ast.expr) -> bool:
    """Whether an annotation is made of names and items alone, as nearly all are."""
    kind = type(annotation)
    if kind in _PLAIN:
        return True
    if isinstance(annotation, ast.Subscript):
        return is_plain(annotation.value) and is_plain(annotation.slice)
    if isinstance(annotation, ast.Attribute):
        return is_plain(annotation.value)
    if isinstance(annotation, ast.Tuple | ast.List):
        return all(is_plain(item) for item in annotation.elts)
    return isinstance(annotation, ast.BinOp) and is_plain(annotation.left) and is_plain(annotation.right)


def has_twice(keywords: Sequence[ast.keyword]) -> bool:
    """Whether a keyword is given twice; several `**` are none."""
    names = [keyword.arg for keyword in keywords if keyword.arg is not None]
    return len(set(names)) != len(names)


def is_doubtful_signature(arguments: ast.arguments) -> bool:
    """Whether a parameter stands twice, or an annotation is more than names."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [rest for rest in (arguments.vararg, arguments.kwarg) if rest is not None]
    if len(every) > 1 and len({argument.arg for argument in every}) != len(every):
        return True
    annotations = (argument.annotation for argument in every if argument.annotation is not None)
    return not all(map(is_plain, annotations))


def has_odd_format(part: ast.FormattedValue) -> bool:
    """Whether the format of a part of an f-string is more than text."""
    spec = part.format_spec
    return spec is not None and not (
        isinstance(spec, ast.JoinedStr) and all(isinstance(value, ast.Constant) for value in spec.values)
    )


def awaits(function: ast.Lambda) -> bool:
    """Whether a lambda awaits something, which is wrong in an asynchronous function too."""
    return any(
        isinstance(node, ast.Await) or (isinstance(node, ast.comprehension) and node.is_async == 1)
        for node in ast.walk(function)
    )


def names_or_yields(comprehension: ast.expr) -> bool:
    """Whether something in a comprehension is given a name or yielded, which is rarely right."""
    return any(isinstance(node, ast.NamedExpr | ast.Yield | ast.YieldFrom) for node in ast.walk(comprehension))


def leading_declarations(body: Sequence[ast.stmt]) -> Sequence[ast.Global | ast.Nonlocal]:
    """Return the `global` and `nonlocal` statements that a function begins with: nothing uses their names before."""
    found: list[ast.Global | ast.Nonlocal] = []
    for statement in body[1 if _is_docstring(body[0]) else 0 :]:
        if not isinstance(statement, ast.Global | ast.Nonlocal):
            break
        found.append(statement)
    return found


def surely_binds(function: FunctionNode, name: str) -> bool:
    """Whether a name is one of a function's own: a parameter, or plainly assigned to in its body."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    found = any(argument is not None and argument.arg == name for argument in every)
    for statement in own_nodes(function.body):
        if isinstance(statement, ast.Global | ast.Nonlocal) and name in statement.names:
            return False
        targets = statement.targets if isinstance(statement, ast.Assign) else ()
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        found = found or any(isinstance(target, ast.Name) and target.id == name for target in targets)
    return found


def is_mentioned_above(body: Sequence[ast.stmt], declared: ast.Global | ast.Nonlocal) -> bool:
    """Whether a function may mention a name above the statement that declares it, which the compiler refuses.

    It reads the `else` of a `try` before the handlers, so of a function with such a `try` nothing is said.
    """
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Try | ast.TryStar) and node.handlers and node.orelse:
                return True
            if _is_above(node, declared) and not _names_in(node).isdisjoint(declared.names):
                return True
    return False


def _is_above(node: ast.AST, statement: ast.stmt) -> bool:
    place = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    return place < (statement.lineno, statement.col_offset)


def _names_in(node: ast.AST) -> set[str]:
    """Return the names that a node itself reads or binds, and some that it only might."""
    found = {getattr(node, field, None) for field in ("id", "name", "asname", "arg", "rest")}
    names = {name for name in found if isinstance(name, str)}
    return {name.partition(".")[0] for name in names} if isinstance(node, ast.alias) else names


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_future_import(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.ImportFrom)
        and statement.module == "__future__"
        and not statement.level
        and all(alias.name in _FEATURES for alias in statement.names)
    )
