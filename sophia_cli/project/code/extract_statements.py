"""One pass over the statements of a tree: imports with what stands around them, and the names that a module binds.

Expressions are not walked, and a function's body only where the text of its lines can hold something of interest:
most of a file is neither.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sophia_cli.project.code.extract_dynamic import LoadedModule, loaded_module, writes_names, written_name
from sophia_cli.project.code.extract_exports import Exports
from sophia_cli.project.code.extract_guards import (
    Catch,
    GuardNames,
    Surroundings,
    catch_of,
    gives_up,
    is_suppressed,
)
from sophia_cli.project.code.extract_hints import Hints, within
from sophia_cli.project.code.extract_places import Positions
from sophia_cli.project.code.facts import Binding, Guard, ImportedName, ImportFact, Scope


class StatementWalk:
    """What the statements of one module say. `visit` fills it; afterwards `bindings()` completes the names."""

    def __init__(self, text: str) -> None:
        self.positions = Positions(text)
        self.imports: list[ImportFact] = []
        self.exports = Exports()
        self.is_dynamic = False
        self.has_main = False
        self.is_certain = True
        self.path_statements: list[ast.stmt] = []
        self.reached: list[str] = []
        self.names = GuardNames()
        self._bound: dict[str, Binding] = {}
        self._globals: dict[str, Binding] = {}
        self._may_skip: set[str] = set()
        hints = Hints(text)
        self._hints = hints
        self._visit, self._walrus = hints.visits, hints.walruses

    def bindings(self) -> tuple[Binding, ...]:
        """Return the names that the module binds, each once, those that functions bind with `global` last."""
        return tuple((self._globals | self._bound).values() if self._globals else self._bound.values())

    def visit(self, body: Sequence[ast.stmt], around: Surroundings) -> None:
        """Take in the statements of a block."""
        binds = around.scope is Scope.MODULE
        for statement in body:
            kind = type(statement)
            if binds and self._walrus and within(self._walrus, statement):
                self._bind_walruses(statement, around)
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if binds:
                    self.bind(statement.name, statement.lineno, around)
                if within(self._visit, statement):
                    self.visit(statement.body, around.inside(_scope_of(statement, around.scope)))
            elif kind is ast.Import or kind is ast.ImportFrom:
                self._import(statement, around, binds)
            elif isinstance(statement, ast.If):
                if binds or within(self._visit, statement):
                    self._if(statement, around)
            elif isinstance(statement, ast.Try | ast.TryStar):
                if binds or within(self._visit, statement):
                    self._try(statement, around)
            elif isinstance(statement, ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Match):
                if binds or within(self._visit, statement):
                    self._block(statement, around, binds)
            else:
                if binds:
                    self._bind_simple(statement, around)
                if isinstance(statement, ast.Global):
                    for name in statement.names:
                        self._globals.setdefault(name, Binding(name, statement.lineno))
                if self._hints.looks and within(self._hints.looks, statement):
                    self._look_closely(statement, around, binds)

    def _import(self, statement: ast.stmt, around: Surroundings, binds: bool) -> None:
        guard = around.guard
        place = self.positions.of(statement)
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                where = self.positions.of_plain_module(alias)
                name = alias.name
                self._add(
                    ImportFact(
                        name,
                        0,
                        (),
                        alias.asname,
                        False,
                        place,
                        where,
                        around.scope,
                        guard,
                        self.is_certain,
                        False,
                        around.is_fatal,
                    )
                )
                if binds:
                    self.bind(alias.asname or name.partition(".")[0], statement.lineno, around)
        elif isinstance(statement, ast.ImportFrom):
            module, level = statement.module or "", statement.level
            where = self.positions.of_from_module(statement, "." * level + module)
            names = tuple(
                ImportedName(alias.name, alias.asname, self.positions.of_name(alias)) for alias in statement.names
            )
            self._add(
                ImportFact(
                    module,
                    level,
                    names,
                    None,
                    True,
                    place,
                    where,
                    around.scope,
                    guard,
                    self.is_certain,
                    False,
                    around.is_fatal,
                )
            )
            for alias in statement.names:
                name = alias.asname or alias.name
                if alias.name == "TYPE_CHECKING":
                    self.names.types.add(name)
                if binds and name != "*":
                    self.bind(name, statement.lineno, around)

    def _add(self, fact: ImportFact) -> None:
        if self._may_skip and fact.guard is not Guard.TYPE_CHECKING and not fact.level:
            parents = fact.module.split(".")
            if any(".".join(parents[:length]) in self._may_skip for length in range(1, len(parents) + 1)):
                fact = replace(fact, guard=Guard.TRY)
        self.imports.append(fact)

    def _if(self, statement: ast.If, around: Surroundings) -> None:
        while True:
            body, other = self.names.test(statement.test).branches(around)
            self.has_main = self.has_main or Scope.MAIN in (body.scope, other.scope)
            self.visit(statement.body, body)
            match statement.orelse:
                case [ast.If() as following]:
                    # A long chain of `elif` is as deep a tree.
                    statement, around = following, other
                    if around.scope is Scope.MODULE and self._walrus:
                        self._bind_walruses(statement, around)
                case rest:
                    self.visit(rest, other)
                    return

    def _try(self, statement: ast.Try | ast.TryStar, around: Surroundings) -> None:
        catches = [catch_of(handler.type) for handler in statement.handlers]
        meets = [
            handler for handler, catch in zip(statement.handlers, catches, strict=True) if catch is not Catch.NOTHING
        ]
        is_caught = bool(meets)
        is_fatal = is_caught and gives_up(meets[0].body)
        tries_import = any(isinstance(part, ast.Import | ast.ImportFrom) for part in _nested(statement.body))
        if tries_import and meets:
            self.names.flags.update(name for handler in meets for name in _plain_targets(handler.body))
        self.visit(statement.body, around.inside(caught=is_caught, fatal=is_fatal))
        for handler, catch in zip(statement.handlers, catches, strict=True):
            is_fallback = catch is Catch.MISSING or (catch is Catch.ANYTHING and tries_import)
            self.visit(handler.body, around.inside(fallback=is_fallback))
        self.visit(statement.orelse, around.inside(caught=is_caught and tries_import, fatal=is_fatal))
        self.visit(statement.finalbody, around)

    def _block(self, statement: ast.stmt, around: Surroundings, binds: bool) -> None:
        if isinstance(statement, ast.With | ast.AsyncWith):
            for item in statement.items:
                if binds and item.optional_vars is not None:
                    self._bind_target(item.optional_vars, around)
            swallows = is_suppressed(statement.items)
            self.visit(statement.body, around.inside(caught=True) if swallows else around)
        elif isinstance(statement, ast.Match):
            for case in statement.cases:
                if binds:
                    for name in _captures(case.pattern):
                        self.bind(name, case.pattern.lineno, around)
                self.visit(case.body, around.inside())
        elif isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            if binds and not isinstance(statement, ast.While):
                self._bind_target(statement.target, around)
            self.visit(statement.body, around.inside())
            self.visit(statement.orelse, around.inside())

    def bind(self, name: str, line: int, around: Surroundings) -> None:
        """Take in that the module's own level binds a name."""
        known = self._bound.get(name)
        if known is None or (known.is_for_types and not around.for_types):
            self._bound[name] = Binding(name, line, around.for_types)
            if name == "__getattr__":
                self.is_dynamic = True

    def _bind_target(self, target: ast.expr, around: Surroundings) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, target.lineno, around)
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self._bind_target(part, around)
        elif isinstance(target, ast.Starred):
            self._bind_target(target.value, around)

    def _bind_simple(self, statement: ast.stmt, around: Surroundings) -> None:
        """Take in what a simple statement at the module's own level does to its names."""
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self._bind_target(target, around)
                if isinstance(target, ast.Name) and target.id == "__all__":
                    self.exports.assign(statement.value)
        elif isinstance(statement, ast.Expr):
            if isinstance(statement.value, ast.Call):
                self.exports.call(statement.value)
        elif isinstance(statement, ast.AnnAssign):
            if statement.value is not None:
                self._bind_target(statement.target, around)
                if getattr(statement.target, "id", "") == "__all__":
                    self.exports.assign(statement.value)
        elif isinstance(statement, ast.AugAssign):
            if getattr(statement.target, "id", "") == "__all__":
                self.exports.extend(statement.value)
        elif isinstance(statement, ast.Delete):
            for target in statement.targets:
                if around.is_sure and isinstance(target, ast.Name):
                    self._bound.pop(target.id, None)
        elif isinstance(name := getattr(statement, "name", None), ast.Name):
            # `type Name = ...` has a node of its own from Python 3.12 on.
            self.bind(name.id, statement.lineno, around)

    def _bind_walruses(self, statement: ast.stmt, around: Surroundings) -> None:
        for node in _own_expressions(statement):
            if isinstance(node, ast.NamedExpr):
                self.bind(node.target.id, node.lineno, around)

    def _look_closely(self, statement: ast.stmt, around: Surroundings, binds: bool) -> None:
        """Take in what a simple statement does by calls: loading modules, editing the path, writing names."""
        if within(self._hints.paths, statement):
            self.path_statements.append(statement)
        if within(self._hints.loads, statement):
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and (loaded := loaded_module(node)) is not None:
                    self._load(loaded, statement, around)
        if within(self._hints.writes, statement):
            name = written_name(statement, binds)
            if name is not None:
                self._globals.setdefault(name, Binding(name, statement.lineno))
            elif writes_names(statement, binds):
                self.is_dynamic = True

    def _load(self, loaded: LoadedModule, statement: ast.stmt, around: Surroundings) -> None:
        if loaded.literal is None:
            self.reached.append("." * loaded.level + loaded.module)
            return
        guard = Guard.TRY if loaded.may_skip else around.guard
        if loaded.may_skip:
            self._may_skip.add(loaded.module)
        place = self.positions.of(statement)
        where = self.positions.of_literal(loaded.literal, "." * loaded.level + loaded.module)
        scope, certain = around.scope, self.is_certain
        fact = ImportFact(
            loaded.module, loaded.level, (), None, False, place, where, scope, guard, certain, True, around.is_fatal
        )
        self.imports.append(fact)


def _scope_of(statement: ast.stmt, outer: Scope) -> Scope:
    if not isinstance(statement, ast.ClassDef):
        return Scope.FUNCTION
    return Scope.CLASS if outer is Scope.MODULE else outer


def _nested(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a block and of the blocks in it, but not of functions and classes."""
    pending = [*body]
    while pending:
        statement = pending.pop()
        yield statement
        if isinstance(statement, ast.If | ast.With | ast.For | ast.Try | ast.AsyncWith | ast.AsyncFor | ast.While):
            pending += statement.body
            pending += getattr(statement, "orelse", ())


def _plain_targets(body: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id


def _captures(pattern: ast.pattern) -> Iterator[str]:
    for node in ast.walk(pattern):
        name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
        if isinstance(name, str):
            yield name


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
