"""What a command takes, in the annotations of its function; and the reading of command lines without mistakes.

Typer costs more time than a scan from the cache. It writes the help and explains mistakes; a command line that is
simply right is read here. A test holds that both read the same.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Union, get_args, get_origin, get_type_hints

from sophia_cli.core.values import dataclass

_READERS = (str, Path)


@dataclass(frozen=True, slots=True)
class Argument:
    """A word by its place. `show_default` is False to hide the default in the help, or the text to show for it."""

    metavar: str
    help: str
    show_default: bool | str = False


@dataclass(frozen=True, slots=True)
class Option:
    """A word that begins with a dash, under one or more names."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    show_default: bool | str = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command's function.

    `kind` is the type of one value (bool for a flag), `many` whether values are collected, `annotation` the type as it
    was written, without the description.
    """

    name: str
    described: Argument | Option
    annotation: object
    kind: type
    many: bool
    required: bool


def option(*names: str, help: str, metavar: str | None = None, show_default: bool | str = True) -> Option:
    """Return the description of an option."""
    return Option(names, help, metavar, show_default)


def parameters_of(function: Callable[..., int]) -> tuple[Parameter, ...]:
    """Return the parameters of a command's function; one without a description is an option under its own name.

    TypeError for a type that a command line cannot give.
    """
    hints = get_type_hints(function, include_extras=True)
    # Not from its signature: `inspect` takes as long to import as all that a command line needs.
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    required = code.co_argcount - len(function.__defaults__ or ())
    return tuple(_parameter(name, hints[name], place < required) for place, name in enumerate(names))


def read(parameters: Sequence[Parameter], words: Sequence[str]) -> Mapping[str, object] | None:
    """Return the values of the parameters that a command line gives, None for what needs explaining.

    That is a call for help, a mistake, and anything that is not the plain way to say it.
    """
    options = {name: p for p in parameters if isinstance(p.described, Option) for name in p.described.names}
    values: dict[str, object] = {}
    positional: list[str] = []
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        if word == "--":
            positional += reversed(pending)
            break
        if not word.startswith("-") or word == "-":
            positional.append(word)
            continue
        name, equals, value = word.partition("=")
        known = options.get(name)
        if known is None or (equals and (known.kind is bool or not name.startswith("--"))):
            return None
        if known.kind is bool:
            values[known.name] = True
            continue
        if not equals:
            if not pending or pending[-1].startswith("-"):
                return None
            value = pending.pop()
        if not _take(values, known, value):
            return None
    for place in (p for p in parameters if isinstance(p.described, Argument)):
        while positional and (place.many or place.name not in values):
            if not _take(values, place, positional.pop(0)):
                return None
    missing = any(p.required and p.name not in values for p in parameters)
    return None if positional or missing else values


def _take(values: dict[str, object], parameter: Parameter, word: str) -> bool:
    """Add a value; False when the word is none for this parameter."""
    value: object
    if issubclass(parameter.kind, Enum):
        members = {str(member.value): member for member in parameter.kind}
        if word not in members:
            return False
        value = members[word]
    elif parameter.kind in _READERS:
        value = parameter.kind(word)
    else:
        return False
    if parameter.many:
        collected = values.setdefault(parameter.name, [])
        assert isinstance(collected, list)  # only this function fills it
        collected.append(value)
    else:
        values[parameter.name] = value
    return True


def _parameter(name: str, hint: object, is_required: bool) -> Parameter:
    annotation: object = hint
    described: Argument | Option = Option((f"--{name.replace('_', '-')}",), "")
    if get_origin(hint) is Annotated:
        annotation, described = get_args(hint)
    kind = annotation
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    many = get_origin(kind) is list
    if many:
        (kind,) = get_args(kind)
    if not isinstance(kind, type):
        raise TypeError(f"parameter `{name}` is of a kind that no command line gives: {hint}")
    return Parameter(name, described, annotation, kind, many, is_required)
