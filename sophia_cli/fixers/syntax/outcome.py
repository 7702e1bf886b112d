"""What a finished repair looks like: names that resolve to nothing, code that does nothing, code out of reach."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.pieces import pieces_of

_BUILTINS = frozenset(dir(builtins)) | {
    "__file__", "__name__", "__doc__", "__path__", "__spec__", "__package__", "__loader__", "__builtins__",
    "__annotations__", "__class__", "__module__", "__qualname__", "WindowsError", "reveal_type",
}  # fmt: skip
_COUNTED = (
    "no-effect", "unreachable", "method-self", "function-self", "empty-suite", "redefined", "string-no-effect",
    "nested-def", "docstrings", "bare-annotation", "loop-once", "loop-else", "falls-off",
)  # fmt: skip
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(slots=True)
class _Scope:
    """The names that a module, a class or a function binds and reads; `visible` are its own and those around it."""

    around: _Scope | None
    is_class: bool
    bound: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)

    def missing(self) -> set[str]:
        """Return the names that are read here and bound neither here nor in a function around."""
        names = self.loaded - self.bound
        scope = self.around
        while scope is not None and names:
            if not scope.is_class:
                names -= scope.bound
            scope = scope.around
        return names


@dataclass(slots=True)
class _Piece:
    """What one piece of a text binds, reads and holds; `body` are its statements at the margin.

    `bound` and `loaded` hold the names of all scopes, `module` those that the whole module sees, and `wanted` the names
    that each scope must find in the module.
    """

    body: list[ast.stmt]
    bound: set[str]
    loaded: set[str]
    counts: dict[str, float]
    module: set[str]
    wanted: list[set[str]]
    star: bool = False


class Outcomes:
    """Looks at finished texts that have much in common; what they share is looked at once."""

    __slots__ = ("_pieces", "judge")

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._pieces: dict[str, _Piece] = {}

    def features(self, text: str) -> dict[str, float] | None:
        """Return features of a text that compiles, None when it cannot be parsed after all."""
        judge = self.judge
        texts = pieces_of(text)
        if not all(judge.compiles(piece) for piece in texts):
            texts = [text]
        found = [judge.warnings_in(piece) for piece in texts]
        try:
            pieces = [self._piece(piece) for piece in texts]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        if None in found:
            return None
        counts = dict.fromkeys(_COUNTED, 0.0)
        for piece in pieces:
            for name, value in piece.counts.items():
                counts[name] += value
        body = [statement for piece in pieces for statement in piece.body]
        tree = ast.Module(body, [])
        if ast.get_docstring(tree, clean=False) is not None:
            counts["docstrings"] += 1
        if body:
            _judge(body, tree, "module", True, counts)
        bound = _BUILTINS.union(*(piece.bound for piece in pieces))
        missing = set().union(*(piece.loaded for piece in pieces)) - bound
        features = {name: min(value, 20.0) for name, value in counts.items()}
        module = _BUILTINS.union(*(piece.module for piece in pieces))
        # A name that another function or class has, and not the one that reads it: code that left where it belongs.
        foreign = sum(len(names - module - missing) for piece in pieces for names in piece.wanted)
        features["unresolved"] = 0.0 if any(piece.star for piece in pieces) else float(min(len(missing), 20))
        features["foreign"] = float(min(foreign, 20))
        features["warnings"] = float(min(sum(number or 0 for number in found), 5))
        return features

    def _piece(self, text: str) -> _Piece:
        piece = self._pieces.get(text)
        if piece is None:
            piece = self._pieces[text] = _read(text)
        return piece


def _read(text: str) -> _Piece:
    tree = ast.parse(text)
    top = _Scope(None, False)
    scopes = [top]
    counts = dict.fromkeys(_COUNTED, 0.0)
    star = False
    stack: list[tuple[ast.AST, _Scope]] = [(tree, top)]
    while stack:
        node, scope = stack.pop()
        if isinstance(node, ast.Name):
            (scope.loaded if isinstance(node.ctx, ast.Load) else scope.bound).add(node.id)
            continue
        if isinstance(node, _LEAVES):
            continue
        inner = scope
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            scope.bound.add(node.name)
            inner = _Scope(scope, isinstance(node, ast.ClassDef))
            scopes.append(inner)
            if ast.get_docstring(node, clean=False) is not None:
                counts["docstrings"] += 1
            if not isinstance(node, ast.ClassDef):
                for parameter in _parameters(node.args):
                    inner.bound.add(parameter.arg)
                    if parameter.annotation is not None:
                        stack.append((parameter.annotation, scope))
                stack.extend((one, scope) for one in (*node.args.defaults, *node.args.kw_defaults) if one is not None)
        else:
            star = _bind(node, scope, top) or star
        for name in node._fields:
            if name == "args" and inner is not scope:
                continue
            value = getattr(node, name, None)
            owner = inner if name == "body" else scope
            if isinstance(value, list):
                stack.extend((one, owner) for one in value if isinstance(one, ast.AST))
            elif isinstance(value, ast.AST):
                stack.append((value, owner))
    _walk_bodies(tree, counts)
    bound, loaded = set[str]().union(*(s.bound for s in scopes)), set[str]().union(*(s.loaded for s in scopes))
    wanted = [names for scope in scopes if scope is not top and (names := scope.missing())]
    wanted.append(top.loaded - top.bound)
    return _Piece(tree.body, bound, loaded, counts, top.bound, wanted, star)


def _bind(node: ast.AST, scope: _Scope, top: _Scope) -> bool:
    """Add the names that a node other than a definition or a name binds; return whether it is `import *`."""
    bound = scope.bound
    if isinstance(node, ast.arg):
        bound.add(node.arg)
    elif isinstance(node, ast.alias):
        bound.add((node.asname or node.name).split(".")[0])
        return node.name == "*"
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        bound.add(node.name)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        bound.add(node.rest)
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        bound.update(node.names)
        if isinstance(node, ast.Global):
            top.bound.update(node.names)
    return False


def _parameters(args: ast.arguments) -> Iterator[ast.arg]:
    for one in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if one is not None:
            yield one


def _walk_bodies(tree: ast.Module, counts: dict[str, float]) -> None:
    stack: list[tuple[ast.AST, str]] = [(tree, "module")]
    while stack:
        node, where = stack.pop()
        for name in ("body", "orelse", "finalbody"):
            body = None if node is tree else getattr(node, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                _judge(body, node, where, name == "body", counts)
        inner = where
        if isinstance(node, ast.ClassDef):
            inner = "class"
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = "function"
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    first = child.args.args[0].arg if child.args.args else None
                    decorated = any(
                        isinstance(d, ast.Name) and d.id in ("staticmethod", "validator") for d in child.decorator_list
                    )
                    if inner == "class" and first not in ("self", "cls", "mcs") and not decorated:
                        counts["method-self"] += 1
                    if inner != "class" and first in ("self", "cls"):
                        counts["function-self"] += 1
                    if inner == "function":
                        counts["nested-def"] += 1
                stack.append((child, inner))


def _judge(body: list[ast.stmt], owner: ast.AST, where: str, is_body: bool, counts: dict[str, float]) -> None:
    names: set[str] = set()
    for index, statement in enumerate(body):
        if index + 1 < len(body) and isinstance(statement, _EXITS):
            counts["unreachable"] += 1
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if statement.name in names and not statement.decorator_list:
                counts["redefined"] += 1
            names.add(statement.name)
        if isinstance(statement, ast.Expr):
            value = statement.value
            if isinstance(value, ast.Constant):
                if isinstance(value.value, str) and (index > 0 or not is_body):
                    counts["string-no-effect"] += 1
                elif not isinstance(value.value, str) and value.value is not Ellipsis:
                    counts["no-effect"] += 1
            elif not isinstance(value, (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.ListComp, ast.GeneratorExp)):
                counts["no-effect"] += 1
        if isinstance(statement, ast.AnnAssign) and statement.value is None and where == "function":
            counts["bare-annotation"] += 1
    if isinstance(owner, (ast.For, ast.AsyncFor, ast.While)):
        if not is_body:
            counts["loop-else"] += 1
        elif isinstance(body[-1], (ast.Return, ast.Raise, ast.Break)):
            counts["loop-once"] += 1
    elif isinstance(owner, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _leaves(body[-1]) and _gives(body):
        counts["falls-off"] += 1
    if len(body) == 1 and isinstance(body[0], ast.Pass) and isinstance(owner, (ast.stmt, ast.ExceptHandler)):
        counts["empty-suite"] += 1


def _leaves(statement: ast.stmt) -> bool:
    """Whether a function never goes on behind a statement."""
    if isinstance(statement, (ast.Return, ast.Raise)):
        return True
    if isinstance(statement, ast.If):
        return bool(statement.orelse) and _leaves(statement.body[-1]) and _leaves(statement.orelse[-1])
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        return _leaves(statement.body[-1])
    if isinstance(statement, ast.Try):
        ends = [statement.orelse or statement.body, *(handler.body for handler in statement.handlers)]
        return bool(statement.finalbody and _leaves(statement.finalbody[-1])) or all(_leaves(end[-1]) for end in ends)
    return isinstance(statement, (ast.While, ast.Match))


def _gives(body: list[ast.stmt]) -> bool:
    """Whether a function returns a value somewhere."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            return True
        if isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)) and not isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            for name in ("body", "orelse", "finalbody", "handlers", "cases"):
                stack.extend(getattr(node, name, ()))
    return False
