"""Reads expressions: the calls in them, and the names that they bind.

It runs over every expression of a cold scan, so the commonest nodes are recognised first and what can hold no call is
not entered.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, TypeGuard

from sophia_cli.project.code.calls import UNKNOWN
from sophia_cli.project.code.certainty import (
    MANY,
    awaits,
    has_odd_format,
    has_twice,
    is_doubtful_signature,
    names_or_yields,
)
from sophia_cli.project.code.extract_calls_drafts import ClassDraft
from sophia_cli.project.code.extract_calls_expressions import is_type_of, meanings_of
from sophia_cli.project.code.extract_calls_scope import Kind, Meaning, Scope
from sophia_cli.project.code.extract_calls_shapes import (
    argument_names,
    default_values,
    expects_a_failure,
    is_question,
)

_Attribute, _Await, _BinOp, _BoolOp = ast.Attribute, ast.Await, ast.BinOp, ast.BoolOp
_Call, _Compare, _Constant, _Dict = ast.Call, ast.Compare, ast.Constant, ast.Dict
_FormattedValue, _IfExp, _JoinedStr, _Lambda = ast.FormattedValue, ast.IfExp, ast.JoinedStr, ast.Lambda
_List, _Name, _Set, _Starred = ast.List, ast.Name, ast.Set, ast.Starred
_Subscript, _Tuple, _UnaryOp = ast.Subscript, ast.Tuple, ast.UnaryOp
_LISTS = (ast.List, ast.Tuple, ast.Set)
_COMPREHENSIONS = frozenset((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp))
_CHAIN = frozenset((ast.Attribute, ast.Call, ast.Await, ast.Subscript))
_NARROWING = frozenset({"isinstance", "issubclass"})
_REPLACING = frozenset({"setattr", "object", "patch", "delattr"})


class Scanner:
    """What expressions come to. `quiet` is above zero where calls are meant to fail and so are left out.

    `is_doubtful` tells that something was met which the compiler may refuse (`certainty`); `has_suspects` that the text
    holds what must not stand in comprehensions.
    """

    def __init__(self) -> None:
        self.classes: list[ClassDraft] = []
        self.replaced: set[str] = set()
        self.quiet = 0
        self.is_doubtful = False
        self.has_suspects = False

    def scan(self, stack: list[ast.expr], scope: Scope) -> None:
        """Read expressions: their calls, and the names that they bind."""
        pop, push = stack.pop, stack.append
        while stack:
            # Every expression of a project passes here, so exact types are compared: a tree has no others.
            node: Any = pop()
            kind = type(node)
            while kind is _Attribute:
                node = node.value
                kind = type(node)
            if kind is _Name or kind is _Constant:
                continue
            if kind is _Call:
                self._call(node, push, scope)
            elif kind is _JoinedStr:
                for part in node.values:
                    if type(part) is _FormattedValue:
                        if part.format_spec is not None and has_odd_format(part):
                            self.is_doubtful = True
                        if type(value := part.value) is not _Name:
                            push(value)
            elif kind is _Dict:
                stack += [item for item in node.keys if type(item) is not _Constant and item is not None]
                stack += [item for item in node.values if type(item) is not _Constant and type(item) is not _Name]
            elif kind is _Subscript:
                push(node.value)
                if type(index := node.slice) is not _Constant:
                    push(index)
            elif kind is _List or kind is _Tuple or kind is _Set:
                for item in node.elts:
                    kind = type(item)
                    if kind is not _Constant and kind is not _Name:
                        push(item.value if kind is _Starred else item)
            elif kind is _Compare:
                push(node.left)
                stack += node.comparators
            elif kind is _BinOp:
                push(node.left)
                push(node.right)
            elif kind is _BoolOp:
                stack += node.values
            elif kind is _Await:
                if not scope.is_async:
                    self.is_doubtful = True
                push(node.value)
            elif kind is _UnaryOp:
                push(node.operand)
            elif kind is _IfExp:
                stack += (node.test, node.body, node.orelse)
            elif kind in _COMPREHENSIONS:
                self._comprehension(node, stack, scope)
            else:
                self._rarer(node, stack, scope)

    def _call(self, node: ast.Call, push: Callable[[ast.expr], None], scope: Scope) -> None:
        inner: Any = node.func
        kind = type(inner)
        if kind is _Name:
            name = inner.id
            if not self.quiet:
                scope.calls.append((name, node))
            if name in _NARROWING and node.args:
                self.narrow(node.args[0], scope)
            elif name in _REPLACING:
                self._replace(node)
        else:
            if kind is _Attribute:
                if inner.attr in _REPLACING:
                    self._replace(node)
                inner = inner.value
                while (kind := type(inner)) is _Attribute:
                    inner = inner.value
            if kind is not _Name:
                push(inner)
                while kind in _CHAIN:
                    if kind is _Call:
                        inner = inner.args[0] if is_type_of(inner) else inner.func
                    else:
                        inner = inner.value
                    kind = type(inner)
            if kind is _Name and not self.quiet:
                scope.calls.append((inner.id, node))
        for argument in node.args:
            kind = type(argument)
            if kind is not _Name and kind is not _Constant:
                if kind is _Starred:
                    push(argument.value)  # type: ignore[attr-defined]  # its type says so
                elif kind is _Lambda and expects_a_failure(node):
                    self.is_doubtful = True
                else:
                    push(argument)
        keywords = node.keywords
        if len(keywords) > 1 and has_twice(keywords):
            self.is_doubtful = True
        for keyword in keywords:
            kind = type(value := keyword.value)
            if kind is not _Name and kind is not _Constant:
                push(value)

    def _rarer(self, node: ast.expr, stack: list[ast.expr], scope: Scope) -> None:
        if isinstance(node, ast.Lambda):
            if is_doubtful_signature(node.args) or (scope.is_async and awaits(node)):
                self.is_doubtful = True
            for argument_name in argument_names(node.args):
                scope.bind(argument_name, [UNKNOWN])
            stack.append(node.body)
            stack += default_values(node.args)
        elif isinstance(node, ast.NamedExpr):
            stack.append(node.value)
            scope.bind(node.target.id, meanings_of(node.value, scope))
        elif isinstance(node, (ast.Yield, ast.YieldFrom)):
            scope.has_yield = True
            if scope.kind is not Kind.FUNCTION or (
                scope.is_async and (scope.gives_value or isinstance(node, ast.YieldFrom))
            ):
                self.is_doubtful = True
            if node.value is not None:
                stack.append(node.value)
        elif isinstance(node, (ast.Slice, ast.FormattedValue)):
            stack += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        else:
            self.is_doubtful = True
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
        if self.has_suspects and names_or_yields(node):
            self.is_doubtful = True
        stack += (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        for generator in node.generators:
            if generator.is_async and not scope.is_async:
                self.is_doubtful = True
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
                if target.attr == "__defaults__":
                    self._give_defaults(target.value, scope)
                self.scan([target.value], scope)
        elif isinstance(target, _LISTS):
            stars = 0
            for item in target.elts:
                if isinstance(item, ast.Starred):
                    stars += 1
                    item = item.value
                self.bind_target(item, [UNKNOWN], scope)
            if stars and (stars > 1 or len(target.elts) > MANY):
                self.is_doubtful = True
        elif isinstance(target, ast.Starred):
            self.is_doubtful = True
            self.bind_target(target.value, [UNKNOWN], scope)
        else:
            self.scan([target], scope)

    def _give_defaults(self, function: ast.expr, scope: Scope) -> None:
        """Take in `Point.__new__.__defaults__ = ...`, which gives the fields of a named tuple defaults."""
        match function:
            case ast.Attribute(value=ast.Name(id=name), attr="__new__"):
                for meaning in scope.bindings.get(name, ()):
                    if isinstance(meaning, str) and meaning.startswith("$") and meaning[1:].isdigit():
                        for draft in self.classes[int(meaning[1:])].fields:
                            draft.has_default = True

    def is_own(self, target: ast.Attribute | ast.Subscript, scope: Scope) -> TypeGuard[ast.Attribute]:
        value = target.value
        return isinstance(target, ast.Attribute) and isinstance(value, ast.Name) and value.id == scope.self_name
