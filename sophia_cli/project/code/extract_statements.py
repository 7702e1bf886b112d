"""One pass over the statements of a tree: imports with what stands around them, and the names that a module binds.

Expressions are not walked, and a function's body only where the text of its lines can hold something of interest:
most of a file is neither.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from sophia_cli.project.code.extract_bindings import Bindings
from sophia_cli.project.code.extract_calls_shapes import is_expected_to_fail
from sophia_cli.project.code.extract_dynamic import (
    LoadedModule,
    finds_modules,
    grows_unseen,
    loaded_module,
    writes_names,
    writes_through_alias,
    written_name,
)
from sophia_cli.project.code.extract_guards import (
    Catch,
    GuardNames,
    Surroundings,
    catch_of,
    gives_up,
    is_expected,
    is_suppressed,
)
from sophia_cli.project.code.extract_hints import Hints, within
from sophia_cli.project.code.extract_places import Positions
from sophia_cli.project.code.facts import Guard, ImportedName, ImportFact, Place, Scope


class StatementWalk:
    """What the statements of one module say. `visit` fills it."""

    def __init__(self, text: str) -> None:
        self.positions = Positions(text)
        self.imports: list[ImportFact] = []
        self.bindings = Bindings()
        self.has_main = False
        self.is_certain = True
        self.path_statements: list[ast.stmt] = []
        self.reached: list[str] = []
        self.names = GuardNames()
        self._may_skip: set[str] = set()
        hints = Hints(text)
        self._hints = hints
        self.bindings.is_dynamic = writes_through_alias(text) or grows_unseen(text)
        if finds_modules(text):
            self.bindings.bind_later("__path__", 1)
        self._visit, self._walrus = hints.visits, hints.walruses

    def visit(self, body: Sequence[ast.stmt], around: Surroundings) -> None:
        """Take in the statements of a block."""
        binds = around.scope is Scope.MODULE
        for statement in body:
            kind = type(statement)
            if binds and self._walrus and within(self._walrus, statement):
                self.bindings.walruses(statement, around)
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if binds:
                    self.bindings.bind(statement.name, statement.lineno, around)
                if within(self._visit, statement):
                    fails = is_expected_to_fail(statement.decorator_list)
                    self.visit(statement.body, around.inside(_scope_of(statement, around.scope), expected=fails))
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
                    self.bindings.simple(statement, around)
                if isinstance(statement, ast.Global):
                    for name in statement.names:
                        self.bindings.bind_later(name, statement.lineno)
                if self._hints.looks and within(self._hints.looks, statement):
                    self._look_closely(statement, around, binds)

    def _import(self, statement: ast.stmt, around: Surroundings, binds: bool) -> None:
        place = self.positions.of(statement)
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                where = self.positions.of_plain_module(alias)
                self._add(alias.name, 0, (), alias.asname, False, place, where, around)
                if binds:
                    self.bindings.bind(alias.asname or alias.name.partition(".")[0], statement.lineno, around)
        elif isinstance(statement, ast.ImportFrom):
            module, level = statement.module or "", statement.level
            where = self.positions.of_from_module(statement, "." * level + module)
            names = tuple(
                [ImportedName(alias.name, alias.asname, self.positions.of_name(alias)) for alias in statement.names]
            )
            self._add(module, level, names, None, True, place, where, around)
            for alias in statement.names:
                name = alias.asname or alias.name
                if alias.name == "TYPE_CHECKING":
                    self.names.types.add(name)
                if binds and name != "*":
                    self.bindings.bind(name, statement.lineno, around)

    def _add(
        self,
        module: str,
        level: int,
        names: tuple[ImportedName, ...],
        asname: str | None,
        is_from: bool,
        place: Place,
        where: Place,
        around: Surroundings,
        is_call: bool = False,
    ) -> None:
        scope, guard, is_fatal = around.scope, around.guard, around.is_fatal
        if self._may_skip and guard is not Guard.TYPE_CHECKING and not level and self._is_skipped(module):
            guard, is_fatal = Guard.TRY, False
        certain = self.is_certain
        self.imports.append(
            ImportFact(module, level, names, asname, is_from, place, where, scope, guard, certain, is_call, is_fatal)
        )

    def _is_skipped(self, module: str) -> bool:
        """Whether the rest of the file only runs where this module is there (`pytest.importorskip`)."""
        parts = module.split(".")
        return any(".".join(parts[:length]) in self._may_skip for length in range(1, len(parts) + 1))

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
                        self.bindings.walruses(statement, around)
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
                    self.bindings.target(item.optional_vars, around)
            if is_suppressed(statement.items):
                around = around.inside(caught=True)
            elif is_expected(statement.items):
                around = around.inside(expected=True)
            self.visit(statement.body, around)
        elif isinstance(statement, ast.Match):
            for case in statement.cases:
                if binds:
                    self.bindings.captures(case.pattern, around)
                self.visit(case.body, around.inside())
        elif isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            if binds and not isinstance(statement, ast.While):
                self.bindings.target(statement.target, around)
            self.visit(statement.body, around.inside())
            self.visit(statement.orelse, around.inside())

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
                self.bindings.bind_later(name, statement.lineno)
            elif writes_names(statement, binds):
                self.bindings.is_dynamic = True

    def _load(self, loaded: LoadedModule, statement: ast.stmt, around: Surroundings) -> None:
        if loaded.literal is None:
            self.reached.append("." * loaded.level + loaded.module)
            return
        if loaded.may_skip:
            self._may_skip.add(loaded.module)
        place = self.positions.of(statement)
        where = self.positions.of_literal(loaded.literal, "." * loaded.level + loaded.module)
        self._add(loaded.module, loaded.level, (), None, False, place, where, around, is_call=True)


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
