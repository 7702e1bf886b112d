"""Functions and classes while a file is read, before their names are settled."""

from __future__ import annotations

import ast

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.code.calls import UNKNOWN, Class, Field, FieldKind, Function, Made, Name, Relay
from sophia_cli.project.code.extract_calls_expressions import meanings_of
from sophia_cli.project.code.extract_calls_relay import FunctionNode
from sophia_cli.project.code.extract_calls_scope import Meaning, Scope, distinct, expression_of

_KEPT_TEXTS = frozenset({"alias", "extra"})


@dataclass(frozen=True, slots=True)
class MadeDraft:
    """A decorator or field maker while the file is read."""

    callee: Meaning
    options: tuple[str, ...]
    is_called: bool

    def finished(self) -> Made:
        """Return it; every scope must have ended."""
        return Made(expression_of(self.callee), self.options, self.is_called)


@dataclass(slots=True)
class FunctionDraft:
    """A function while the file is read."""

    node: FunctionNode
    decorators: list[MadeDraft]
    returns: list[Meaning] = field(default_factory=list)
    is_generator: bool = False
    relay: Relay = Relay.NONE

    def finished(self) -> Function:
        """Return the function; every scope must have ended."""
        returns = distinct(self.returns)
        return Function(
            self.node.name,
            parameters_of(self.node.args),
            tuple([decorator.finished() for decorator in self.decorators]),
            () if "?" in returns else returns,
            isinstance(self.node, ast.AsyncFunctionDef),
            self.is_generator,
            self.relay,
        )


@dataclass(slots=True)
class FieldDraft:
    """A name of a class body that may become an argument."""

    name: str
    kind: FieldKind
    is_annotated: bool
    has_default: bool
    maker: MadeDraft | None

    def finished(self) -> Field:
        """Return the field; every scope must have ended."""
        maker = None if self.maker is None else self.maker.finished()
        return Field(self.name, self.kind, self.is_annotated, self.has_default, maker)


@dataclass(slots=True)
class ClassDraft:
    """A class while the file is read. What is `declared` by an annotation outranks what is `assigned`."""

    name: str
    bases: list[Meaning]
    metaclass: Meaning | None
    decorators: list[MadeDraft]
    fields: list[FieldDraft] = field(default_factory=list)
    members: dict[str, list[Meaning]] = field(default_factory=dict)
    declared: dict[str, list[Meaning]] = field(default_factory=dict)
    assigned: dict[str, list[Meaning]] = field(default_factory=dict)

    def finished(self) -> Class:
        """Return the class; every scope must have ended."""
        return Class(
            self.name,
            tuple([expression_of(base) for base in self.bases]),
            None if self.metaclass is None else expression_of(self.metaclass),
            tuple([decorator.finished() for decorator in self.decorators]),
            tuple([field.finished() for field in self.fields]),
            names_of(self.members),
            names_of({**self.assigned, **self.declared}),
        )


def names_of(bindings: dict[str, list[Meaning]]) -> tuple[Name, ...]:
    """Return what is bound, once every scope has ended."""
    return tuple([Name(name, distinct(meanings)) for name, meanings in bindings.items()])


def parameters_of(arguments: ast.arguments) -> str:
    """Return a signature as `Function.parameters` has it."""
    positional = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    written = [name if index < first_default else name + "=" for index, name in enumerate(positional)]
    if arguments.posonlyargs:
        written.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg is not None:
        written.append("*" + arguments.vararg.arg)
    elif arguments.kwonlyargs:
        written.append("*")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        written.append(argument.arg if default is None else argument.arg + "=")
    if arguments.kwarg is not None:
        written.append("**" + arguments.kwarg.arg)
    return ",".join(written)


def made_of(node: ast.expr, scope: Scope) -> MadeDraft:
    """Return a decorator or field maker as it is written."""
    if not isinstance(node, ast.Call):
        return MadeDraft((meanings_of(node, scope) or [UNKNOWN])[0], (), False)
    callee = (meanings_of(node.func, scope) or [UNKNOWN])[0]
    options = [_option(keyword) for keyword in node.keywords]
    given = ["..." if isinstance(item, ast.Constant) and item.value is ... else "*" for item in node.args]
    return MadeDraft(callee, tuple(options + given), True)


def _option(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        return "**"
    value = keyword.value
    if isinstance(value, ast.Constant) and (value.value is None or isinstance(value.value, bool)):
        return f"{keyword.arg}={value.value}"
    if keyword.arg in _KEPT_TEXTS and isinstance(value, ast.Constant) and isinstance(value.value, str):
        return f"{keyword.arg}={value.value}"
    return keyword.arg
