"""The arguments and options of a command, read from its function: what docs/cli.md is made of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from enum import Enum

from sophia_cli.commands.command_line.invoke import load
from sophia_cli.commands.command_line.parameters import Argument, parameters_of
from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Documented:
    """One argument or option as it is typed, and what it means."""

    shown: str
    meaning: str


@dataclass(frozen=True, slots=True)
class CommandPage:
    """What a command does, and its arguments and options in their order."""

    text: str
    options: tuple[Documented, ...]


def command_page(target: str) -> CommandPage:
    """Return the page of a command that lives in `module:function`."""
    function = load(target)
    return CommandPage(inspect.getdoc(function) or "", tuple(_options(function)))


def _options(function: Callable[..., int]) -> Iterator[Documented]:
    signature = inspect.signature(function)
    for parameter in parameters_of(function):
        described = parameter.described
        given = signature.parameters[parameter.name].default
        if isinstance(described, Argument):
            shown = described.metavar if parameter.required else f"[{described.metavar}]"
            yield Documented(f"{shown}..." if parameter.many else shown, described.help)
        else:
            value = "" if parameter.kind is bool else f" {described.metavar or _choices(parameter.kind)}"
            known = given not in (None, False, (), inspect.Parameter.empty)
            default = f" Default: `{_word(given)}`." if known else ""
            yield Documented(", ".join(described.names) + value, described.help + default)


def _choices(kind: type) -> str:
    return "|".join(_word(member) for member in kind) if issubclass(kind, Enum) else "VALUE"


def _word(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)
