"""What a finished repair looks like: names that resolve to nothing, code that does nothing, code out of reach."""

from __future__ import annotations

import ast
import builtins
import warnings

_BUILTINS = frozenset(dir(builtins)) | {
    "__file__", "__name__", "__doc__", "__path__", "__spec__", "__package__", "__loader__", "__builtins__",
    "__annotations__", "__class__", "__module__", "__qualname__", "WindowsError", "reveal_type",
}  # fmt: skip
_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def outcome_features(text: str) -> dict[str, float] | None:
    """Return features of a text that compiles, None when it cannot be parsed after all."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            tree = ast.parse(text)
            compile(tree, "<repair>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    bound: set[str] = set()
    loaded: list[str] = []
    counts = dict.fromkeys(
        ("no-effect", "unreachable", "method-self", "function-self", "empty-suite", "redefined", "string-no-effect",
         "nested-def", "docstrings", "bare-annotation"), 0.0
    )  # fmt: skip
    star = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                loaded.append(node.id)
            else:
                bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            bound.add(node.name)
            arguments = node.args
            for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                bound.add(argument.arg)
            for extra in (arguments.vararg, arguments.kwarg):
                if extra is not None:
                    bound.add(extra.arg)
            if ast.get_docstring(node, clean=False) is not None:
                counts["docstrings"] += 1
        elif isinstance(node, ast.ClassDef):
            bound.add(node.name)
            if ast.get_docstring(node, clean=False) is not None:
                counts["docstrings"] += 1
        elif isinstance(node, ast.Lambda):
            bound.update(a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))
            for extra in (node.args.vararg, node.args.kwarg):
                if extra is not None:
                    bound.add(extra.arg)
        elif isinstance(node, ast.alias):
            if node.name == "*":
                star = True
            bound.add((node.asname or node.name).split(".")[0])
        elif (isinstance(node, ast.ExceptHandler) and node.name) or (
            isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name
        ):
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            bound.update(node.names)
    if ast.get_docstring(tree, clean=False) is not None:
        counts["docstrings"] += 1
    _walk_bodies(tree, counts)
    missing = {name for name in loaded if name not in bound and name not in _BUILTINS}
    features = {name: min(value, 20.0) for name, value in counts.items()}
    features["unresolved"] = 0.0 if star else float(min(len(missing), 20))
    features["warnings"] = float(min(len([w for w in caught if issubclass(w.category, SyntaxWarning)]), 5))
    return features


def _walk_bodies(tree: ast.Module, counts: dict[str, float]) -> None:
    stack: list[tuple[ast.AST, str]] = [(tree, "module")]
    while stack:
        node, where = stack.pop()
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
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
