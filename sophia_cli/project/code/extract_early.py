"""Uses of imported modules while a file is imported: what makes a cycle of imports bite."""

from __future__ import annotations

import ast
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from sophia_cli.project.code.extract_hints import lines_with
from sophia_cli.project.code.facts import Guard, ImportFact, NameUse, Scope


def early_uses(tree: ast.Module, text: str, imports: Sequence[ImportFact]) -> tuple[NameUse, ...]:
    """Return the attributes of imported modules (the standard library's left out) that are used on import.

    A name from a `from` import counts like a module: whether it is one is not known here.
    """
    modules = _modules(text, imports)
    if not modules:
        return ()
    uses = _Uses(modules, lines_with(text, [name + "." for name in modules]))
    if uses.lines:
        uses.block(tree.body)
    in_order = sorted(uses.found.items(), key=lambda use: use[1])
    return tuple(NameUse(dotted, line) for dotted, line in in_order)


def _modules(text: str, imports: Sequence[ImportFact]) -> dict[str, str]:
    """Return what stands for a module in the file: the name it has here, and what it is."""
    modules: dict[str, str] = {}
    for fact in imports:
        if fact.scope is not Scope.MODULE or fact.guard is Guard.TYPE_CHECKING or fact.is_call:
            continue
        if not fact.level and fact.module.partition(".")[0] in sys.stdlib_module_names:
            continue
        if not fact.is_from:
            top = fact.module.partition(".")[0]
            modules[fact.asname or top] = fact.module if fact.asname else top
        for name in fact.names:
            local = name.asname or name.name
            if local + "." in text:
                written = fact.written
                modules[local] = written + name.name if written.endswith(".") else f"{written}.{name.name}"
    return modules


class _Uses:
    """Gathers uses from the statements that run on import."""

    def __init__(self, modules: dict[str, str], lines: list[int]) -> None:
        self.modules = modules
        self.lines = lines
        self.found: dict[str, int] = {}
        self._defers_annotations = False

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Take in the statements of a block that runs on import."""
        pending = [*reversed(body)]
        while pending:
            statement = pending.pop()
            first = statement.lineno
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                names = {alias.name for alias in statement.names}
                self._defers_annotations = self._defers_annotations or "annotations" in names
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min([first, *(decorator.lineno for decorator in statement.decorator_list)])
            if not self._is_hit(first, statement.end_lineno or first):
                continue
            if isinstance(statement, ast.If) and _is_for_others(statement.test):
                pending += statement.orelse
                continue
            for part in self._parts(statement):
                if isinstance(part, ast.stmt):
                    pending.append(part)
                elif self._is_hit(part.lineno, part.end_lineno or part.lineno):
                    self._expression(part)

    def _parts(self, statement: ast.stmt) -> Iterator[ast.stmt | ast.expr]:
        """Yield the expressions and statements in a statement that run with it."""
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from statement.decorator_list
            arguments = statement.args
            yield from arguments.defaults
            yield from (default for default in arguments.kw_defaults if default is not None)
            if not self._defers_annotations:
                every = [
                    *arguments.posonlyargs,
                    *arguments.args,
                    *arguments.kwonlyargs,
                    arguments.vararg,
                    arguments.kwarg,
                ]
                yield from (one.annotation for one in every if one is not None and one.annotation is not None)
                if statement.returns is not None:
                    yield statement.returns
            return
        if isinstance(statement, ast.AnnAssign):
            if not self._defers_annotations:
                yield statement.annotation
            yield statement.target
            if statement.value is not None:
                yield statement.value
            return
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.stmt | ast.expr):
                yield child
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                yield from child.body
            elif isinstance(child, ast.withitem):
                yield child.context_expr
            elif isinstance(child, ast.keyword):
                yield child.value

    def _expression(self, expression: ast.expr) -> None:
        pending: list[ast.AST] = [expression]
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Attribute):
                dotted = self._dotted(node)
                if dotted is not None:
                    known = self.found.get(dotted)
                    self.found[dotted] = node.lineno if known is None else min(known, node.lineno)
                    continue
            if isinstance(node, ast.Lambda):
                pending.extend(node.args.defaults)
                continue
            pending.extend(ast.iter_child_nodes(node))

    def _dotted(self, node: ast.Attribute) -> str | None:
        attributes: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            attributes.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name) or inner.id not in self.modules:
            return None
        return ".".join([self.modules[inner.id], *reversed(attributes)])

    def _is_hit(self, first: int, last: int) -> bool:
        index = bisect_left(self.lines, first)
        return index < len(self.lines) and self.lines[index] <= last


def _is_for_others(test: ast.expr) -> bool:
    """Whether importing does not enter the body of an `if`: it is for type checkers, or for a script."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
    return False
