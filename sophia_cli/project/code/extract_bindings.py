"""The names that a module binds at its own level, and what becomes of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sophia_cli.project.code.extract_exports import Exports
from sophia_cli.project.code.extract_guards import Surroundings
from sophia_cli.project.code.facts import Binding


class Bindings:
    """Names bound so far, and `__all__`. `is_dynamic` is set where there may be names that the text does not show.

    `__path__` counts as bound where the code changes it, puts modules below its own name into `sys.modules`, or has an
    importer of its own.
    """

    def __init__(self) -> None:
        self.exports = Exports()
        self.is_dynamic = False
        self._bound: dict[str, Binding] = {}
        self._later: dict[str, Binding] = {}

    @property
    def found(self) -> tuple[Binding, ...]:
        """The names, each once."""
        return tuple((self._later | self._bound).values() if self._later else self._bound.values())

    def bind_later(self, name: str, line: int) -> None:
        """Take in a name that a function binds for the module (`global`), or a write to `globals()`."""
        self._later.setdefault(name, Binding(name, line))

    def bind(self, name: str, line: int, around: Surroundings) -> None:
        """Take in that the module's own level binds a name."""
        known = self._bound.get(name)
        if known is None or (known.is_for_types and not around.for_types):
            self._bound[name] = Binding(name, line, around.for_types)
            if name == "__getattr__":
                self.is_dynamic = True

    def target(self, target: ast.expr, around: Surroundings) -> None:
        """Take in a target of an assignment or a loop."""
        if isinstance(target, ast.Name):
            self.bind(target.id, target.lineno, around)
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.target(part, around)
        elif isinstance(target, ast.Starred):
            self.target(target.value, around)

    def simple(self, statement: ast.stmt, around: Surroundings) -> None:
        """Take in what a simple statement at the module's own level does to its names."""
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self.target(target, around)
                if isinstance(target, ast.Name):
                    if target.id == "__all__":
                        self.exports.assign(statement.value)
                elif isinstance(target, ast.Subscript) and _is_below_itself(target):
                    self.bind("__path__", statement.lineno, around)
        elif isinstance(statement, ast.Expr):
            if isinstance(statement.value, ast.Call):
                self.exports.call(statement.value)
                owner = getattr(statement.value.func, "value", None)
                if isinstance(owner, ast.Name) and owner.id == "__path__":
                    self.bind("__path__", statement.lineno, around)
        elif isinstance(statement, ast.AnnAssign):
            if statement.value is not None:
                self.target(statement.target, around)
                if getattr(statement.target, "id", "") == "__all__":
                    self.exports.assign(statement.value)
        elif isinstance(statement, ast.AugAssign):
            name = getattr(statement.target, "id", "")
            if name == "__all__":
                self.exports.extend(statement.value)
            elif name == "__path__":
                self.bind(name, statement.lineno, around)
        elif isinstance(statement, ast.Delete):
            for target in statement.targets:
                if around.is_sure and isinstance(target, ast.Name):
                    self._bound.pop(target.id, None)
        elif isinstance(alias := getattr(statement, "name", None), ast.Name):
            # `type Name = ...` has a node of its own from Python 3.12 on.
            self.bind(alias.id, statement.lineno, around)

    def captures(self, pattern: ast.pattern, around: Surroundings) -> None:
        """Take in the names that a `case` binds."""
        for node in ast.walk(pattern):
            name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
            if isinstance(name, str):
                self.bind(name, pattern.lineno, around)

    def walruses(self, statement: ast.stmt, around: Surroundings) -> None:
        """Take in assignment expressions that run with a statement itself, not with what is in its blocks."""
        for node in _own_expressions(statement):
            if isinstance(node, ast.NamedExpr):
                self.bind(node.target.id, node.lineno, around)


def _own_expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes that run with a statement itself: not those of its blocks, nor of functions made in it."""
    pending: list[ast.AST] = [
        child
        for child in ast.iter_child_nodes(statement)
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
    ]
    if isinstance(statement, ast.Match):
        pending += [case.guard for case in statement.cases if case.guard is not None]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def _is_below_itself(target: ast.Subscript) -> bool:
    """Whether it is an entry of `sys.modules` whose name begins with the module's own: a submodule that is no file."""
    if getattr(target.value, "attr", "") != "modules":
        return False
    match target.slice:
        case ast.BinOp(left=ast.Name(id="__name__" | "__package__"), op=ast.Add()):
            return True
        case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Name(id="__name__" | "__package__")), _, *_]):
            return True
    return False
