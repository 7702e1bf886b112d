"""Calls and callables as plain values for the cache, and back."""

from __future__ import annotations

from typing import Any, cast

from sophia_cli.project.cache_file import Values
from sophia_cli.project.code.calls import (
    Call,
    CallSurface,
    Class,
    Expression,
    Field,
    FieldKind,
    Function,
    Keyword,
    Made,
    Name,
    Relay,
)

_FLAG_STAR, _FLAG_DOUBLE_STAR = 1, 2
_FLAG_ASYNC, _FLAG_GENERATOR = 1, 2
_FLAG_ANNOTATED, _FLAG_DEFAULT = 1, 2
_RELAYS = tuple(Relay)
_KINDS = tuple(FieldKind)


def calls_to_values(surface: CallSurface) -> Values:
    """Return the surface as lists of plain values, an empty list for an empty surface."""
    if surface == CallSurface():
        return []
    return [
        [_function_values(function) for function in surface.functions],
        [_class_values(class_) for class_ in surface.classes],
        _names_values(surface.names),
        [list(alternatives) for alternatives in surface.locals],
        list(surface.stars),
        list(surface.replaced),
        [_call_values(call) for call in surface.calls],
    ]


def calls_from_values(values: Values) -> CallSurface:
    """Return the surface that `calls_to_values` made into these values; ValueError, TypeError or IndexError for
    values that it never makes."""
    if not values:
        return CallSurface()
    functions, classes, names, locals_, stars, replaced, calls = cast("list[list[Values]]", values)
    return CallSurface(
        tuple([_function(item) for item in functions]),
        tuple([_class(item) for item in classes]),
        _names(names),
        tuple([tuple(cast("list[Expression]", item)) for item in locals_]),
        tuple(cast("list[str]", stars)),
        tuple(cast("list[str]", replaced)),
        tuple([_call(item) for item in cast("list[list[Values]]", calls)]),
    )


def _function_values(function: Function) -> Values:
    flags = _FLAG_ASYNC * function.is_async + _FLAG_GENERATOR * function.is_generator
    values: list[Values] = [function.name, function.parameters]
    if function.decorators or function.returns or flags or function.relay is not Relay.NONE:
        values += [
            [_made_values(made) for made in function.decorators],
            list(function.returns),
            flags,
            _RELAYS.index(function.relay),
        ]
    return values


def _function(values: Values) -> Function:
    if len(item := cast("list[str]", values)) == 2:
        return Function(item[0], item[1])
    name, parameters, decorators, returns, flags, relay = cast(
        "tuple[str, str, list[Values], list[Expression], int, int]", values
    )
    return Function(
        name,
        parameters,
        tuple([_made(item) for item in decorators]),
        tuple(returns),
        bool(flags & _FLAG_ASYNC),
        bool(flags & _FLAG_GENERATOR),
        _RELAYS[relay],
    )


def _class_values(class_: Class) -> Values:
    return [
        class_.name,
        list(class_.bases),
        class_.metaclass,
        [_made_values(made) for made in class_.decorators],
        [_field_values(field) for field in class_.fields],
        _names_values(class_.members),
        _names_values(class_.attributes),
    ]


def _class(values: Values) -> Class:
    name, bases, metaclass, decorators, fields, members, attributes = cast(
        "tuple[str, list[Expression], Expression | None, list[Values], list[Values], list[Values], list[Values]]",
        values,
    )
    return Class(
        name,
        tuple(bases),
        metaclass,
        tuple([_made(item) for item in decorators]),
        tuple([_field(item) for item in fields]),
        _names(members),
        _names(attributes),
    )


def _made_values(made: Made) -> Values:
    return [made.callee, int(made.is_called), *made.options]


def _made(values: Values) -> Made:
    callee, is_called, *options = cast("list[str]", values)
    return Made(Expression(callee), tuple(options), bool(is_called))


def _field_values(field: Field) -> Values:
    flags = _FLAG_ANNOTATED * field.is_annotated + _FLAG_DEFAULT * field.has_default
    return [field.name, _KINDS.index(field.kind), flags, *([] if field.maker is None else [_made_values(field.maker)])]


def _field(values: Values) -> Field:
    name, kind, flags, *maker = cast("tuple[str, int, int, Values]", values)
    return Field(
        name,
        _KINDS[kind],
        bool(flags & _FLAG_ANNOTATED),
        bool(flags & _FLAG_DEFAULT),
        _made(maker[0]) if maker else None,
    )


def _names_values(names: tuple[Name, ...]) -> list[Values]:
    """One list per name: the name, then its values."""
    return [[name.name, *name.values] for name in names]


def _names(values: list[Values]) -> tuple[Name, ...]:
    return tuple([Name(name, tuple(bound)) for name, *bound in cast("list[list[Expression]]", values)])


def _call_values(call: Call) -> Values:
    """Keywords follow as name, lines below the call, column; a callee that reads as written is given once."""
    flags = _FLAG_STAR * call.has_star + _FLAG_DOUBLE_STAR * call.has_double_star
    written = 0 if call.written == call.callee else call.written
    values: list[Values] = [call.callee, written, call.line, call.column, call.positional, flags]
    for keyword in call.keywords:
        values += (keyword.name, keyword.line - call.line, keyword.column)
    return values


def _call(values: list[Any]) -> Call:  # Any: its shape is what unpacking checks
    callee, written, line, column, positional, flags, *given = values
    keywords = tuple([Keyword(given[at], line + given[at + 1], given[at + 2]) for at in range(0, len(given), 3)])
    if not flags:
        return Call(callee, written or callee, line, column, positional, keywords)
    has_star, has_double_star = bool(flags & _FLAG_STAR), bool(flags & _FLAG_DOUBLE_STAR)
    return Call(callee, written or callee, line, column, positional, keywords, has_star, has_double_star)
