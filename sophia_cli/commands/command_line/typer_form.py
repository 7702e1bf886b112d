"""A command's function as Typer wants it described."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from sophia_cli.commands.command_line.parameters import Argument, Option, Parameter, parameters_of


def described_for_typer(function: Callable[..., int]) -> Callable[..., int]:
    """Return a function that does the same and whose annotations are Typer's."""
    signature = inspect.signature(function)
    annotations = {p.name: Annotated[p.annotation, _description(p)] for p in parameters_of(function)}

    @functools.wraps(function)
    def described(*arguments: object, **named: object) -> int:
        return function(*arguments, **named)

    parameters = [p.replace(annotation=annotations[p.name]) for p in signature.parameters.values()]
    described.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect documents for this purpose
        parameters=parameters
    )
    described.__annotations__ = {**annotations, "return": int}
    del described.__wrapped__
    return described


def _description(parameter: Parameter) -> object:
    described = parameter.described
    match described:
        case Argument():
            return typer.Argument(metavar=described.metavar, help=described.help, show_default=described.show_default)
        case Option():
            return typer.Option(
                *described.names,
                metavar=described.metavar,
                help=described.help,
                show_default=described.show_default,
            )
