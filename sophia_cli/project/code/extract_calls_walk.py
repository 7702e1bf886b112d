"""One walk over a file's statements that gathers definitions, bindings and calls."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from sophia_cli.project.code.calls import UNKNOWN, Expression, FieldKind
from sophia_cli.project.code.certainty import (
    BLOCKS,
    has_twice,
    is_doubtful_signature,
    is_mentioned_above,
    is_plain,
    leading_declarations,
    surely_binds,
)
from sophia_cli.project.code.extract_calls_drafts import ClassDraft, FieldDraft, FunctionDraft, made_of
from sophia_cli.project.code.extract_calls_expressions import annotated, meanings_of, special_form, yielded
from sophia_cli.project.code.extract_calls_relay import FunctionNode, relay_of
from sophia_cli.project.code.extract_calls_scan import Scanner
from sophia_cli.project.code.extract_calls_scope import Kind, Locals, Meaning, Reference, Scope
from sophia_cli.project.code.extract_calls_shapes import (
    adds_to_another,
    default_values,
    expects_a_failure,
    is_expected_to_fail,
    kind_of_value,
    makes_a_type_variable,
    names_type_error,
    tuple_fields,
)

_SPECIAL = {"ClassVar": FieldKind.CLASS, "InitVar": FieldKind.INIT, "KW_ONLY": FieldKind.KEYWORD_MARK}
_PLAIN = (ast.Name, ast.Constant)
_IF = (ast.If, ast.While)
_SEARCHES = 20  # of a function for names that it declares late; compiling takes less than more of them


class Walk:
    """What has been read so far. `calls` are settled ones with what the root of their callee is, `early` the names that
    the module takes for another before it binds them itself (`_print = print`)."""

    def __init__(self) -> None:
        self.functions: list[FunctionDraft] = []
        self.scanner = Scanner()
        self.locals = Locals()
        self.module = Scope(Kind.MODULE, None)
        self.stars: list[str] = []
        self.calls: list[tuple[Meaning, ast.Call]] = []
        self.type_variables: set[str] = set()
        self.early: list[Reference] = []
        self._loops = self._blocks = self._for_types = 0
        self._inside: list[FunctionNode] = []
        self._searched = 0

    def statements(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Read statements of one scope."""
        readers = self._READERS
        for node in body:
            reader = readers.get(type(node))
            if reader is not None:
                reader(self, node, scope)

    def _expression(self, node: ast.Expr, scope: Scope) -> None:
        value = node.value
        if not isinstance(value, ast.Constant):
            self.scanner.scan([value], scope)

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        if isinstance(node, ast.AsyncFor) and not scope.is_async:
            self.scanner.is_doubtful = True
        self.scanner.bind_target(node.target, [UNKNOWN], scope)
        self.scanner.scan([node.iter], scope)
        self._loop(node.body, scope)
        self.statements(node.orelse, scope)

    def _assert(self, node: ast.Assert, scope: Scope) -> None:
        self.scanner.test(node.test, scope)
        if node.msg is not None:
            self.scanner.scan([node.msg], scope)

    def _parts(self, node: ast.Raise | ast.Delete, scope: Scope) -> None:
        self.scanner.scan([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)], scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        self.scanner.bind_target(node.target, [UNKNOWN], scope)
        self.scanner.scan([node.value], scope)

    def _import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            scope.bind(alias.asname or top, [Expression(f"<{alias.name if alias.asname else top}>")])

    def _jump(self, node: ast.Break | ast.Continue, scope: Scope) -> None:
        if not self._loops:
            self.scanner.is_doubtful = True

    def _rarer(self, node: ast.stmt, scope: Scope) -> None:
        if isinstance(node, ast.Global | ast.Nonlocal):
            if not self._is_declared_rightly(node, scope):
                self.scanner.is_doubtful = True
            if isinstance(node, ast.Global):
                scope.globals = scope.globals.union(node.names)
            else:
                scope.nonlocals = scope.nonlocals.union(node.names)
        else:
            self.scanner.is_doubtful = True
            if isinstance(node, ast.Match):
                self._match(node, scope)

    def _is_declared_rightly(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> bool:
        """Whether the compiler surely takes the statement: nothing above uses the names, and those that are not local
        are of the function around."""
        if scope.kind is not Kind.FUNCTION or any(name in scope.bindings for name in node.names):
            return False
        if isinstance(node, ast.Nonlocal):
            around = self._inside[-2] if len(self._inside) > 1 else None
            if around is None or not all(surely_binds(around, name) for name in node.names):
                return False
            if not scope.globals.isdisjoint(node.names):
                return False
        elif not scope.nonlocals.isdisjoint(node.names):
            return False
        body = self._inside[-1].body
        if node in leading_declarations(body):
            return True
        self._searched += 1
        return self._searched <= _SEARCHES and not is_mentioned_above(body, node)

    def _loop(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        self._loops += 1
        self._block(body, scope, 1)
        self._loops -= 1

    def _block(self, body: Sequence[ast.stmt], scope: Scope, levels: int) -> None:
        self._blocks += levels
        if self._blocks > BLOCKS:
            self.scanner.is_doubtful = True
        self.statements(body, scope)
        self._blocks -= levels

    def _body(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Read the statements of a function or class: they are in none of the loops and conditions around it."""
        loops, blocks, for_types = self._loops, self._blocks, self._for_types
        self._loops = self._blocks = self._for_types = 0
        self.statements(body, scope)
        self._loops, self._blocks, self._for_types = loops, blocks, for_types

    def _if(self, node: ast.If | ast.While, scope: Scope) -> None:
        """Read a condition with everything below it; a long chain of `elif` is no deep nesting."""
        rest: Sequence[ast.stmt] = [node]
        while len(rest) == 1 and isinstance(branch := rest[0], _IF):
            test = branch.test
            # `if False:` never runs, as a yield below it that only makes the function a generator.
            is_dead = isinstance(test, ast.Constant) and not test.value
            is_for_types = "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))
            self.scanner.test(test, scope)
            self.scanner.quiet += is_dead
            self._for_types += is_for_types
            if isinstance(branch, ast.While):
                self._loop(branch.body, scope)
            else:
                self.statements(branch.body, scope)
            self.scanner.quiet -= is_dead
            self._for_types -= is_for_types
            rest = branch.orelse
        self.statements(rest, scope)

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = node.value
        if not isinstance(value, _PLAIN):
            self.scanner.scan([value], scope)
        fields = tuple_fields(value)
        meanings: list[Meaning] = meanings_of(value, scope) if fields is None else [self._named_tuple(fields)]
        if scope is self.module and isinstance(value, ast.Name) and value.id not in scope.bindings:
            self.early += [meaning for meaning in meanings if isinstance(meaning, Reference)]
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.bind(target.id, meanings)
                if isinstance(value, ast.Call) and makes_a_type_variable(value):
                    self.type_variables.add(target.id)
                if scope.kind is Kind.CLASS and isinstance(value, ast.Call):
                    self._field(target.id, FieldKind.VALUE, False, value, scope)
            else:
                self.scanner.bind_target(target, meanings, scope)

    def _annotated_assignment(self, node: ast.AnnAssign, scope: Scope) -> None:
        if not is_plain(node.annotation) or (
            isinstance(node.target, ast.Name) and (node.target.id in scope.globals or node.target.id in scope.nonlocals)
        ):
            self.scanner.is_doubtful = True
        if node.value is not None:
            self.scanner.scan([node.value], scope)
        meanings = annotated(node.annotation, scope)
        target = node.target
        if isinstance(target, ast.Name):
            if scope.kind is Kind.CLASS and scope.class_index is not None:
                kind = _SPECIAL.get(special_form(node.annotation))
                if kind is None:
                    kind = kind_of_value(node.annotation)
                self._field(target.id, kind, True, node.value, scope)
                self.scanner.classes[scope.class_index].declared[target.id] = meanings
            else:
                scope.bind(target.id, meanings)
        elif self.scanner.is_own(target, scope) and scope.class_index is not None:
            self.scanner.classes[scope.class_index].declared.setdefault(target.attr, []).extend(meanings)
        else:
            self.scanner.bind_target(target, meanings, scope)

    def _field(self, name: str, kind: FieldKind, is_annotated: bool, value: ast.expr | None, scope: Scope) -> None:
        if scope.class_index is not None:
            maker = made_of(value, scope) if isinstance(value, ast.Call) else None
            draft = FieldDraft(name, kind, is_annotated, value is not None, maker)
            self.scanner.classes[scope.class_index].fields.append(draft)

    def _return(self, node: ast.Return, scope: Scope) -> None:
        if scope.kind is not Kind.FUNCTION:
            self.scanner.is_doubtful = True
        if node.value is not None:
            if not isinstance(node.value, _PLAIN):
                self.scanner.scan([node.value], scope)
            scope.gives_value = True
            if scope.has_yield and scope.is_async:
                self.scanner.is_doubtful = True
            if scope.infers_returns:
                scope.returns += meanings_of(node.value, scope)

    def _try(self, node: ast.Try | ast.TryStar, scope: Scope) -> None:
        expects = any(handler.type is not None and names_type_error(handler.type) for handler in node.handlers)
        if isinstance(node, ast.TryStar) or any(handler.type is None for handler in node.handlers[:-1]):
            self.scanner.is_doubtful = True
        self.scanner.quiet += expects
        self._block(node.body, scope, 3)
        self.scanner.quiet -= expects
        for handler in node.handlers:
            if handler.type is not None:
                self.scanner.scan([handler.type], scope)
            if handler.name is not None:
                scope.bind(handler.name, [UNKNOWN])
            self._block(handler.body, scope, 3)
        self._block(node.orelse, scope, 3)
        self._block(node.finalbody, scope, 3)

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        if isinstance(node, ast.AsyncWith) and not scope.is_async:
            self.scanner.is_doubtful = True
        expects = any(expects_a_failure(item.context_expr) for item in node.items)
        for item in node.items:
            self.scanner.scan([item.context_expr], scope)
            if item.optional_vars is not None:
                entered = [
                    UNKNOWN if meaning == UNKNOWN else scope.step(meaning, "%")
                    for meaning in meanings_of(item.context_expr, scope)
                ]
                self.scanner.bind_target(item.optional_vars, entered, scope)
        self.scanner.quiet += expects
        self._block(node.body, scope, len(node.items))
        self.scanner.quiet -= expects

    def _match(self, node: ast.Match, scope: Scope) -> None:
        self.scanner.scan([node.subject], scope)
        self.scanner.narrow(node.subject, scope)
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                if isinstance(pattern, ast.MatchAs | ast.MatchStar) and pattern.name is not None:
                    scope.bind(pattern.name, [UNKNOWN])
                elif isinstance(pattern, ast.MatchMapping) and pattern.rest is not None:
                    scope.bind(pattern.rest, [UNKNOWN])
            if case.guard is not None:
                self.scanner.scan([case.guard], scope)
            self.statements(case.body, scope)

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
                if scope.kind is not Kind.MODULE:
                    self.scanner.is_doubtful = True
            else:
                scope.bind(alias.asname or alias.name, [Expression(f"<{module}>.{alias.name}")])

    def _function(self, node: FunctionNode, scope: Scope) -> None:
        arguments = node.args
        if is_doubtful_signature(arguments) or not (node.returns is None or is_plain(node.returns)):
            self.scanner.is_doubtful = True
        decorators = [made_of(decorator, scope) for decorator in node.decorator_list]
        stack = [*node.decorator_list, *default_values(arguments)]
        if stack:
            self.scanner.scan(stack, scope)
        index = len(self.functions)
        draft = FunctionDraft(node, decorators)
        self.functions.append(draft)
        if not (self._for_types or adds_to_another(node)):
            scope.bind(node.name, [Expression(f"&{index}")])
        inner = Scope(Kind.FUNCTION, scope, scope.class_index, scope.self_name, scope.class_name)
        inner.infers_returns = node.returns is None
        inner.is_async = isinstance(node, ast.AsyncFunctionDef)
        self._parameters(node, scope, inner)
        fails = is_expected_to_fail(node.decorator_list)
        self.scanner.quiet += fails
        self._inside.append(node)
        self._body(node.body, inner)
        self._inside.pop()
        self.scanner.quiet -= fails
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
        self.scanner.scan([*node.decorator_list, *node.bases, *[keyword.value for keyword in node.keywords]], scope)
        bases: list[Meaning] = []
        for base in node.bases:
            named = base.value if isinstance(base, ast.Subscript) else base
            fields = tuple_fields(named)
            bases += [self._named_tuple(fields)] if fields is not None else meanings_of(named, scope)[:1] or [UNKNOWN]
        metaclass: Meaning | None = None
        for keyword in node.keywords:
            if keyword.arg == "metaclass":
                metaclass = (meanings_of(keyword.value, scope) or [UNKNOWN])[0]
            elif keyword.arg is None:
                metaclass = UNKNOWN
        index = len(self.scanner.classes)
        draft = ClassDraft(node.name, bases, metaclass, decorators)
        self.scanner.classes.append(draft)
        scope.bind(node.name, [Expression(f"${index}")])
        inner = Scope(Kind.CLASS, scope, index, class_name=node.name)
        if len(node.keywords) > 1 and has_twice(node.keywords):
            self.scanner.is_doubtful = True
        self._body(node.body, inner)
        draft.members = inner.bindings
        self.calls += self.locals.settle(inner)

    def _named_tuple(self, fields: list[tuple[str, bool]]) -> Expression:
        """Return the class that `namedtuple(...)` makes."""
        drafts = [FieldDraft(name, FieldKind.VALUE, True, has_default, None) for name, has_default in fields]
        draft = ClassDraft("", [Expression("<typing>.NamedTuple")], None, [], drafts)
        self.scanner.classes.append(draft)
        return Expression(f"${len(self.scanner.classes) - 1}")

    # Every statement of a project passes here, so exact types are looked up: a tree has no others. Kept with the class:
    # bound methods held by an instance would keep the instance, and with it the tree, alive until the next collection.
    _READERS: ClassVar[Mapping[type[ast.stmt], Callable[[Walk, Any, Scope], None]]] = {
        **dict.fromkeys((ast.Break, ast.Continue), _jump),
        **dict.fromkeys((ast.For, ast.AsyncFor), _for),
        **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef), _function),
        **dict.fromkeys((ast.If, ast.While), _if),
        **dict.fromkeys((ast.Nonlocal, ast.Global, ast.Match), _rarer),
        **dict.fromkeys((ast.Raise, ast.Delete), _parts),
        **dict.fromkeys((ast.Try, ast.TryStar), _try),
        **dict.fromkeys((ast.With, ast.AsyncWith), _with),
        ast.AnnAssign: _annotated_assignment,
        ast.Assert: _assert,
        ast.Assign: _assign,
        ast.AugAssign: _augmented,
        ast.ClassDef: _class,
        ast.Expr: _expression,
        ast.Import: _import,
        ast.ImportFrom: _import_from,
        ast.Return: _return,
    }
