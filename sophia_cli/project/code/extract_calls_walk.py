"""One walk over a file's tree that gathers definitions, bindings and calls.

It runs over every file of a cold scan, so the commonest nodes are recognised first and what can hold no call is not
entered.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TypeGuard

from sophia_cli.project.code.calls import UNKNOWN, Expression, FieldKind
from sophia_cli.project.code.extract_calls_drafts import ClassDraft, FieldDraft, FunctionDraft, made_of
from sophia_cli.project.code.extract_calls_expressions import annotated, meanings_of, special_form, yielded
from sophia_cli.project.code.extract_calls_relay import FunctionNode, relay_of
from sophia_cli.project.code.extract_calls_scope import Kind, Locals, Meaning, Scope

_SPECIAL = {"ClassVar": FieldKind.CLASS, "InitVar": FieldKind.INIT, "KW_ONLY": FieldKind.KEYWORD_MARK}
_EXPECTING = ("raises", "assertRaises", "suppress")
_REPLACING = frozenset({"setattr", "object", "patch", "delattr"})
_ACCESSORS = frozenset({"getter", "setter", "deleter"})
_NARROWING = frozenset({"isinstance", "issubclass"})


class Walk:
    """What has been read so far. `calls` are settled ones with what the root of their callee is."""

    def __init__(self) -> None:
        self.functions: list[FunctionDraft] = []
        self.classes: list[ClassDraft] = []
        self.locals = Locals()
        self.module = Scope(Kind.MODULE, None)
        self.stars: list[str] = []
        self.replaced: set[str] = set()
        self.calls: list[tuple[Meaning, ast.Call]] = []
        self.type_variables: set[str] = set()
        self._quiet = 0

    def statements(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Read statements of one scope."""
        for node in body:
            if isinstance(node, ast.Expr):
                self._scan([node.value], scope)
            elif isinstance(node, ast.Assign):
                self._assign(node, scope)
            elif isinstance(node, ast.If | ast.While):
                self._test(node.test, scope)
                self.statements(node.body, scope)
                self.statements(node.orelse, scope)
            elif isinstance(node, ast.Return):
                self._return(node, scope)
            elif isinstance(node, FunctionNode):
                self._function(node, scope)
            elif isinstance(node, ast.Try | ast.TryStar):
                self._try(node, scope)
            elif isinstance(node, ast.AnnAssign):
                self._annotated_assignment(node, scope)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node, scope)
            elif isinstance(node, ast.For | ast.AsyncFor):
                self._bind_target(node.target, [UNKNOWN], scope)
                self._scan([node.iter], scope)
                self.statements(node.body, scope)
                self.statements(node.orelse, scope)
            elif isinstance(node, ast.With | ast.AsyncWith):
                self._with(node, scope)
            elif isinstance(node, ast.Assert):
                self._test(node.test, scope)
                self._scan([] if node.msg is None else [node.msg], scope)
            elif isinstance(node, ast.Raise | ast.Delete):
                self._scan([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)], scope)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    meaning = Expression(f"<{alias.name if alias.asname else top}>")
                    scope.bind(alias.asname or top, [meaning])
            elif isinstance(node, ast.ClassDef):
                self._class(node, scope)
            elif isinstance(node, ast.AugAssign):
                self._bind_target(node.target, [UNKNOWN], scope)
                self._scan([node.value], scope)
            elif isinstance(node, ast.Global):
                scope.globals.update(node.names)
            elif isinstance(node, ast.Nonlocal):
                scope.nonlocals.update(node.names)
            elif isinstance(node, ast.Match):
                self._match(node, scope)

    def _scan(self, stack: list[ast.expr], scope: Scope) -> None:
        """Read expressions: their calls, and the names that they bind."""
        calls = scope.calls
        pop, push = stack.pop, stack.append
        while stack:
            node = pop()
            if isinstance(node, ast.Name | ast.Constant):
                continue
            if isinstance(node, ast.Attribute):
                push(node.value)
            elif isinstance(node, ast.Call):
                inner = node.func
                if isinstance(inner, ast.Name):
                    if not self._quiet:
                        calls.append((inner.id, node))
                    if inner.id in _NARROWING and node.args:
                        self._narrow(node.args[0], scope)
                    elif inner.id in _REPLACING:
                        self._replace(node)
                else:
                    if isinstance(inner, ast.Attribute) and inner.attr in _REPLACING:
                        self._replace(node)
                    while isinstance(inner, ast.Attribute):
                        inner = inner.value
                    if isinstance(inner, ast.Name):
                        if not self._quiet:
                            calls.append((inner.id, node))
                    else:
                        push(inner)
                        root: ast.expr = inner
                        while isinstance(root, ast.Attribute | ast.Call | ast.Await):
                            root = root.func if isinstance(root, ast.Call) else root.value
                        if isinstance(root, ast.Name) and not self._quiet:
                            calls.append((root.id, node))
                for argument in node.args:
                    if not isinstance(argument, ast.Name | ast.Constant):
                        push(argument)
                for keyword in node.keywords:
                    value = keyword.value
                    if not isinstance(value, ast.Name | ast.Constant):
                        push(value)
            elif isinstance(node, ast.JoinedStr):
                for part in node.values:
                    if isinstance(part, ast.FormattedValue) and not isinstance(part.value, ast.Name):
                        push(part.value)
            elif isinstance(node, ast.Dict):
                stack += [item for item in node.keys if item is not None and not isinstance(item, ast.Constant)]
                stack += [item for item in node.values if not isinstance(item, ast.Constant | ast.Name)]
            elif isinstance(node, ast.Subscript):
                push(node.value)
                push(node.slice)
            elif isinstance(node, ast.List | ast.Tuple | ast.Set):
                stack += [item for item in node.elts if not isinstance(item, ast.Constant | ast.Name)]
            elif isinstance(node, ast.Compare):
                push(node.left)
                stack += node.comparators
            elif isinstance(node, ast.BinOp):
                push(node.left)
                push(node.right)
            elif isinstance(node, ast.BoolOp):
                stack += node.values
            elif isinstance(node, ast.Await | ast.Starred):
                push(node.value)
            elif isinstance(node, ast.UnaryOp):
                push(node.operand)
            elif isinstance(node, ast.IfExp):
                stack += (node.test, node.body, node.orelse)
            elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
                self._comprehension(node, stack, scope)
            elif isinstance(node, ast.Lambda):
                for argument_name in _argument_names(node.args):
                    scope.bind(argument_name, [UNKNOWN])
                push(node.body)
                stack += _defaults(node.args)
            elif isinstance(node, ast.NamedExpr):
                push(node.value)
                scope.bind(node.target.id, meanings_of(node.value, scope))
            elif isinstance(node, ast.Yield | ast.YieldFrom):
                scope.has_yield = True
                if node.value is not None:
                    push(node.value)
            else:
                stack += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]

    def _test(self, node: ast.expr, scope: Scope) -> None:
        """Read a condition; a call such as `is_collection(x)` in it may tell the class of what it is given."""
        self._scan([node], scope)
        parts = node.values if isinstance(node, ast.BoolOp) else [node]
        for part in parts:
            asked = part.operand if isinstance(part, ast.UnaryOp) else part
            if isinstance(asked, ast.Call) and asked.args:
                callee = asked.func
                name = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
                if name.lstrip("_").startswith(("is_", "has_")):
                    self._narrow(asked.args[0], scope)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, stack: list[ast.expr], scope: Scope
    ) -> None:
        """A comprehension's own names count as unknown names of the scope around it, which can only hide a call."""
        stack += (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        for generator in node.generators:
            self._bind_target(generator.target, [UNKNOWN], scope)
            stack.append(generator.iter)
            stack += generator.ifs

    def _narrow(self, node: ast.expr, scope: Scope) -> None:
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

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = node.value
        if not isinstance(value, ast.Constant | ast.Name):
            self._scan([value], scope)
        meanings = meanings_of(value, scope)
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.bind(target.id, meanings)
                if isinstance(value, ast.Call) and _makes_a_type_variable(value.func):
                    self.type_variables.add(target.id)
                if scope.kind is Kind.CLASS and isinstance(value, ast.Call):
                    self._field(target.id, FieldKind.VALUE, False, value, scope)
            else:
                self._bind_target(target, meanings, scope)

    def _annotated_assignment(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self._scan([node.value], scope)
        meanings = annotated(node.annotation, scope)
        target = node.target
        if isinstance(target, ast.Name):
            if scope.kind is Kind.CLASS and scope.class_index is not None:
                kind = _SPECIAL.get(special_form(node.annotation), FieldKind.VALUE)
                self._field(target.id, kind, True, node.value, scope)
                self.classes[scope.class_index].declared[target.id] = meanings
            else:
                scope.bind(target.id, meanings)
        elif self._is_own(target, scope) and scope.class_index is not None:
            self.classes[scope.class_index].declared.setdefault(target.attr, []).extend(meanings)
        else:
            self._bind_target(target, meanings, scope)

    def _field(self, name: str, kind: FieldKind, is_annotated: bool, value: ast.expr | None, scope: Scope) -> None:
        if scope.class_index is not None:
            maker = made_of(value, scope) if isinstance(value, ast.Call) else None
            draft = FieldDraft(name, kind, is_annotated, value is not None, maker)
            self.classes[scope.class_index].fields.append(draft)

    def _bind_target(self, target: ast.expr, meanings: list[Meaning], scope: Scope) -> None:
        if isinstance(target, ast.Name):
            scope.bind(target.id, meanings)
        elif isinstance(target, ast.Attribute):
            if self._is_own(target, scope) and scope.class_index is not None:
                self.classes[scope.class_index].assigned.setdefault(target.attr, []).extend(meanings)
            else:
                self.replaced.add(target.attr)
                self._scan([target.value], scope)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._bind_target(item, [UNKNOWN], scope)
        elif isinstance(target, ast.Starred):
            self._bind_target(target.value, [UNKNOWN], scope)
        else:
            self._scan([target], scope)

    def _is_own(self, target: ast.Attribute | ast.Subscript, scope: Scope) -> TypeGuard[ast.Attribute]:
        value = target.value
        return isinstance(target, ast.Attribute) and isinstance(value, ast.Name) and value.id == scope.self_name

    def _return(self, node: ast.Return, scope: Scope) -> None:
        if node.value is not None:
            if not isinstance(node.value, ast.Constant | ast.Name):
                self._scan([node.value], scope)
            if scope.infers_returns:
                scope.returns += meanings_of(node.value, scope)

    def _try(self, node: ast.Try | ast.TryStar, scope: Scope) -> None:
        expects = any(handler.type is not None and _names_type_error(handler.type) for handler in node.handlers)
        self._quiet += expects
        self.statements(node.body, scope)
        self._quiet -= expects
        for handler in node.handlers:
            if handler.type is not None:
                self._scan([handler.type], scope)
            if handler.name is not None:
                scope.bind(handler.name, [UNKNOWN])
            self.statements(handler.body, scope)
        self.statements(node.orelse, scope)
        self.statements(node.finalbody, scope)

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        expects = any(_expects_a_failure(item.context_expr) for item in node.items)
        for item in node.items:
            self._scan([item.context_expr], scope)
            if item.optional_vars is not None:
                entered = [
                    UNKNOWN if meaning == UNKNOWN else scope.step(meaning, "%")
                    for meaning in meanings_of(item.context_expr, scope)
                ]
                self._bind_target(item.optional_vars, entered, scope)
        self._quiet += expects
        self.statements(node.body, scope)
        self._quiet -= expects

    def _match(self, node: ast.Match, scope: Scope) -> None:
        self._scan([node.subject], scope)
        self._narrow(node.subject, scope)
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                if isinstance(pattern, ast.MatchAs | ast.MatchStar) and pattern.name is not None:
                    scope.bind(pattern.name, [UNKNOWN])
                elif isinstance(pattern, ast.MatchMapping) and pattern.rest is not None:
                    scope.bind(pattern.rest, [UNKNOWN])
            if case.guard is not None:
                self._scan([case.guard], scope)
            self.statements(case.body, scope)

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
            else:
                scope.bind(alias.asname or alias.name, [Expression(f"<{module}>.{alias.name}")])

    def _function(self, node: FunctionNode, scope: Scope) -> None:
        arguments = node.args
        decorators = [made_of(decorator, scope) for decorator in node.decorator_list]
        stack = [*node.decorator_list, *_defaults(arguments)]
        if stack:
            self._scan(stack, scope)
        index = len(self.functions)
        draft = FunctionDraft(node, decorators)
        self.functions.append(draft)
        if not _adds_to_another(node):
            scope.bind(node.name, [Expression(f"&{index}")])
        inner = Scope(Kind.FUNCTION, scope, scope.class_index, scope.self_name, scope.class_name)
        inner.infers_returns = node.returns is None
        self._parameters(node, scope, inner)
        self.statements(node.body, inner)
        draft.is_generator = inner.has_yield
        if node.returns is not None:
            draft.returns = (yielded if inner.has_yield else annotated)(node.returns, scope)
        elif not inner.has_yield:
            draft.returns = inner.returns
        draft.relay = scope.relays[node.name] = relay_of(node, inner.relays, frozenset(self.type_variables))
        self.calls += self.locals.settle(inner)

    def _parameters(self, node: FunctionNode, scope: Scope, inner: Scope) -> None:
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        if scope.kind is Kind.CLASS and positional:
            first = positional.pop(0).arg
            names = [d.id if isinstance(d, ast.Name) else "" for d in node.decorator_list]
            if "staticmethod" in names:
                inner.self_name = None
                inner.bindings[first] = [UNKNOWN]
            elif "classmethod" in names or node.name in ("__new__", "__init_subclass__", "__class_getitem__"):
                inner.self_name = None
                inner.bindings[first] = [Expression(f"${scope.class_index}")]
            else:
                inner.self_name = first
                inner.bindings[first] = [Expression(f"@{scope.class_index}")]
        for argument in positional + arguments.kwonlyargs:
            name = argument.arg
            inner.bindings[name] = [UNKNOWN] if argument.annotation is None else annotated(argument.annotation, scope)
            if name == inner.self_name:
                inner.self_name = None
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                inner.bindings[rest.arg] = [UNKNOWN]

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        decorators = [made_of(decorator, scope) for decorator in node.decorator_list]
        self._scan([*node.decorator_list, *node.bases, *[keyword.value for keyword in node.keywords]], scope)
        bases: list[Meaning] = []
        for base in node.bases:
            named = base.value if isinstance(base, ast.Subscript) else base
            bases += meanings_of(named, scope)[:1] or [UNKNOWN]
        metaclass: Meaning | None = None
        for keyword in node.keywords:
            if keyword.arg == "metaclass":
                metaclass = (meanings_of(keyword.value, scope) or [UNKNOWN])[0]
            elif keyword.arg is None:
                metaclass = UNKNOWN
        index = len(self.classes)
        draft = ClassDraft(node.name, bases, metaclass, decorators)
        self.classes.append(draft)
        scope.bind(node.name, [Expression(f"${index}")])
        inner = Scope(Kind.CLASS, scope, index, class_name=node.name)
        self.statements(node.body, inner)
        draft.members = inner.bindings
        self.calls += self.locals.settle(inner)


def _adds_to_another(node: FunctionNode) -> bool:
    """Whether it is an overload, or the setter of a property, so that its name means another function."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Attribute):
            if decorator.attr == "overload":
                return True
            owner = decorator.value
            if isinstance(owner, ast.Name) and owner.id == node.name and decorator.attr in _ACCESSORS:
                return True
        elif isinstance(decorator, ast.Name) and decorator.id == "overload":
            return True
    return False


def _makes_a_type_variable(callee: ast.expr) -> bool:
    name = callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""
    return name in ("TypeVar", "ParamSpec")


def _argument_names(arguments: ast.arguments) -> list[str]:
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found += [rest for rest in (arguments.vararg, arguments.kwarg) if rest is not None]
    return [argument.arg for argument in found]


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    found = [*arguments.defaults, *[default for default in arguments.kw_defaults if default is not None]]
    return [default for default in found if not isinstance(default, ast.Constant | ast.Name)]


def _names_type_error(node: ast.expr) -> bool:
    names = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(name, ast.Name) and name.id == "TypeError" for name in names)


def _expects_a_failure(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    callee = node.func
    name = callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""
    return name.startswith(_EXPECTING)
