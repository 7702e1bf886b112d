"""Reads expressions: the calls in them, and the names that they bind.

It runs over every expression of a cold scan, so the commonest nodes are recognised first and what can hold no call is
not entered.
"""

from __future__ import annotations

import ast
from typing import TypeGuard

from sophia_cli.project.code.calls import UNKNOWN
from sophia_cli.project.code.extract_calls_drafts import ClassDraft
from sophia_cli.project.code.extract_calls_expressions import meanings_of
from sophia_cli.project.code.extract_calls_scope import Meaning, Scope
from sophia_cli.project.code.extract_calls_shapes import (
    argument_names,
    default_values,
    expects_a_failure,
    is_question,
)

_PLAIN = (ast.Name, ast.Constant)
_LISTS = (ast.List, ast.Tuple, ast.Set)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_CHAIN = (ast.Attribute, ast.Call, ast.Await, ast.Subscript)
_NARROWING = frozenset({"isinstance", "issubclass"})
_REPLACING = frozenset({"setattr", "object", "patch", "delattr"})


class Scanner:
    """What expressions come to. `quiet` is above zero where calls are meant to fail and so are left out."""

    def __init__(self) -> None:
        self.classes: list[ClassDraft] = []
        self.replaced: set[str] = set()
        self.quiet = 0

    def scan(self, stack: list[ast.expr], scope: Scope) -> None:
        """Read expressions: their calls, and the names that they bind."""
        calls = scope.calls
        pop, push = stack.pop, stack.append
        while stack:
            node = pop()
            if isinstance(node, _PLAIN):
                continue
            if isinstance(node, ast.Attribute):
                push(node.value)
            elif isinstance(node, ast.Call):
                inner = node.func
                if isinstance(inner, ast.Name):
                    if not self.quiet:
                        calls.append((inner.id, node))
                    if inner.id in _NARROWING and node.args:
                        self.narrow(node.args[0], scope)
                    elif inner.id in _REPLACING:
                        self._replace(node)
                else:
                    if isinstance(inner, ast.Attribute) and inner.attr in _REPLACING:
                        self._replace(node)
                    while isinstance(inner, ast.Attribute):
                        inner = inner.value
                    if isinstance(inner, ast.Name):
                        if not self.quiet:
                            calls.append((inner.id, node))
                    else:
                        push(inner)
                        root: ast.expr = inner
                        while isinstance(root, _CHAIN):
                            root = root.func if isinstance(root, ast.Call) else root.value
                        if isinstance(root, ast.Name) and not self.quiet:
                            calls.append((root.id, node))
                for argument in node.args:
                    if not isinstance(argument, _PLAIN) and not (
                        isinstance(argument, ast.Lambda) and expects_a_failure(node)
                    ):
                        push(argument)
                for keyword in node.keywords:
                    value = keyword.value
                    if not isinstance(value, _PLAIN):
                        push(value)
            elif isinstance(node, ast.JoinedStr):
                for part in node.values:
                    if isinstance(part, ast.FormattedValue) and not isinstance(part.value, ast.Name):
                        push(part.value)
            elif isinstance(node, ast.Dict):
                stack += [item for item in node.keys if item is not None and not isinstance(item, ast.Constant)]
                stack += [item for item in node.values if not isinstance(item, _PLAIN)]
            elif isinstance(node, ast.Subscript):
                push(node.value)
                push(node.slice)
            elif isinstance(node, _LISTS):
                stack += [item for item in node.elts if not isinstance(item, _PLAIN)]
            elif isinstance(node, ast.Compare):
                push(node.left)
                stack += node.comparators
            elif isinstance(node, ast.BinOp):
                push(node.left)
                push(node.right)
            elif isinstance(node, ast.BoolOp):
                stack += node.values
            elif isinstance(node, (ast.Await, ast.Starred)):
                push(node.value)
            elif isinstance(node, ast.UnaryOp):
                push(node.operand)
            elif isinstance(node, ast.IfExp):
                stack += (node.test, node.body, node.orelse)
            elif isinstance(node, _COMPREHENSIONS):
                self._comprehension(node, stack, scope)
            elif isinstance(node, ast.Lambda):
                for argument_name in argument_names(node.args):
                    scope.bind(argument_name, [UNKNOWN])
                push(node.body)
                stack += default_values(node.args)
            elif isinstance(node, ast.NamedExpr):
                push(node.value)
                scope.bind(node.target.id, meanings_of(node.value, scope))
            elif isinstance(node, (ast.Yield, ast.YieldFrom)):
                scope.has_yield = True
                if node.value is not None:
                    push(node.value)
            else:
                stack += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]

    def test(self, node: ast.expr, scope: Scope) -> None:
        """Read a condition; a call such as `is_collection(x)` in it may tell the class of what it is given."""
        self.scan([node], scope)
        parts = node.values if isinstance(node, ast.BoolOp) else [node]
        for part in parts:
            asked = part.operand if isinstance(part, ast.UnaryOp) else part
            if isinstance(asked, ast.Call) and asked.args and is_question(asked):
                self.narrow(asked.args[0], scope)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, stack: list[ast.expr], scope: Scope
    ) -> None:
        """A comprehension's own names count as unknown names of the scope around it, which can only hide a call."""
        stack += (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        for generator in node.generators:
            self.bind_target(generator.target, [UNKNOWN], scope)
            stack.append(generator.iter)
            stack += generator.ifs

    def narrow(self, node: ast.expr, scope: Scope) -> None:
        """Forget what is known of an object whose class the code asks for: behind the question it may be another."""
        if isinstance(node, ast.Name):
            scope.bind(node.id, [UNKNOWN])
        elif isinstance(node, ast.Attribute):
            self.replaced.add(node.attr)

    def _replace(self, node: ast.Call) -> None:
        """Note an attribute that is set by its name: `setattr(x, "name", ...)`, `patch("module.name")`."""
        for argument in node.args[:2]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                self.replaced.add(argument.value.rpartition(".")[2])

    def bind_target(self, target: ast.expr, meanings: list[Meaning], scope: Scope) -> None:
        if isinstance(target, ast.Name):
            scope.bind(target.id, meanings)
        elif isinstance(target, ast.Attribute):
            if self.is_own(target, scope) and scope.class_index is not None:
                self.classes[scope.class_index].assigned.setdefault(target.attr, []).extend(meanings)
            else:
                self.replaced.add(target.attr)
                self.scan([target.value], scope)
        elif isinstance(target, _LISTS):
            for item in target.elts:
                self.bind_target(item, [UNKNOWN], scope)
        elif isinstance(target, ast.Starred):
            self.bind_target(target.value, [UNKNOWN], scope)
        else:
            self.scan([target], scope)

    def is_own(self, target: ast.Attribute | ast.Subscript, scope: Scope) -> TypeGuard[ast.Attribute]:
        value = target.value
        return isinstance(target, ast.Attribute) and isinstance(value, ast.Name) and value.id == scope.self_name
