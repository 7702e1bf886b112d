"""What a finished repair looks like: names that resolve to nothing, code that does nothing, code out of reach."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.pieces import pieces_of

_BUILTINS = frozenset(dir(builtins)) | {
    "__file__", "__name__", "__doc__", "__path__", "__spec__", "__package__", "__loader__", "__builtins__",
    "__annotations__", "__class__", "__module__", "__qualname__", "WindowsError", "reveal_type",
}  # fmt: skip
_COUNTED = (
    "no-effect", "unreachable", "method-self", "function-self", "empty-suite", "redefined", "string-no-effect",
    "nested-def", "docstrings", "bare-annotation",
)  # fmt: skip
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(slots=True)
class _Piece:
    """What one piece of a text binds, reads and holds; `body` are its statements at the margin."""

    body: list[ast.stmt]
    bound: set[str]
    loaded: set[str]
    counts: dict[str, float]
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
        features["unresolved"] = 0.0 if any(piece.star for piece in pieces) else float(min(len(missing), 20))
        features["warnings"] = float(min(sum(number or 0 for number in found), 5))
        return features

    def _piece(self, text: str) -> _Piece:
        piece = self._pieces.get(text)
        if piece is None:
            piece = self._pieces[text] = _read(text)
        return piece


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node that can bind or hold a name, like `ast.walk` in half its time."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, _LEAVES):
            continue
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                stack.extend(one for one in value if isinstance(one, ast.AST))
            elif isinstance(value, ast.AST):
                stack.append(value)


def _read(text: str) -> _Piece:
    tree = ast.parse(text)
    piece = _Piece(tree.body, set(), set(), dict.fromkeys(_COUNTED, 0.0))
    bound, loaded, counts = piece.bound, piece.loaded, piece.counts
    for node in _nodes(tree):
        if isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
            if ast.get_docstring(node, clean=False) is not None:
                counts["docstrings"] += 1
        elif isinstance(node, ast.alias):
            if node.name == "*":
                piece.star = True
            bound.add((node.asname or node.name).split(".")[0])
        elif (isinstance(node, ast.ExceptHandler) and node.name) or (
            isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name
        ):
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            bound.update(node.names)
    _walk_bodies(tree, counts)
    return piece


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
    if len(body) == 1 and isinstance(body[0], ast.Pass) and isinstance(owner, (ast.stmt, ast.ExceptHandler)):
        counts["empty-suite"] += 1
