"""The arguments and options of a command, read from its function: what docs/cli.md is made of."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import get_args, get_type_hints

from typer.models import ArgumentInfo, OptionInfo


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
    module, _, name = target.partition(":")
    function: Callable[..., int] = getattr(importlib.import_module(module), name)
    return CommandPage(inspect.getdoc(function) or "", tuple(_options(function)))


def _options(function: Callable[..., int]) -> Iterator[Documented]:
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind, info = get_args(hints[name])[:2]
        default = "" if parameter.default in (None, False, ()) else _word(parameter.default)
        meaning = info.help or ""
        if isinstance(info, ArgumentInfo):
            yield Documented(info.metavar or name.upper(), meaning)
        elif isinstance(info, OptionInfo):
            # In `Annotated` the first flag arrives where older signatures had the default.
            first = (info.default,) if isinstance(info.default, str) else ()
            flags = ", ".join((*first, *(info.param_decls or ())) or (f"--{name.replace('_', '-').strip('-')}",))
            value = "" if kind is bool else f" {info.metavar or _choices(kind)}"
            yield Documented(flags + value, f"{meaning} Default: `{default}`." if default else meaning)


def _choices(kind: object) -> str:
    enums: list[type[Enum]] = [
        part for part in (kind, *get_args(kind)) if isinstance(part, type) and issubclass(part, Enum)
    ]
    return "|".join(_word(member) for member in enums[0]) if enums else "VALUE"


def _word(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)
