"""Turn a command's function into a command line and run it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sophia_cli.commands.command_line.parameters import parameters_of, read

if TYPE_CHECKING:
    from typer.core import TyperCommand


def invoke(name: str, target: str, arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors, Ctrl-C and those of the command line too, are raised."""
    function = load(target)
    values = read(parameters_of(function), arguments)
    if values is not None:
        return int(function(**values))
    return _invoke_with_typer(name, function, arguments)


def load(target: str) -> Callable[..., int]:
    """Return a command's function, which returns its exit code, from `module:function`."""
    module, _, function = target.partition(":")
    loaded: Callable[..., int] = getattr(importlib.import_module(module), function)
    return loaded


def command_line(name: str, function: Callable[..., int]) -> TyperCommand:
    """Return the parser of one command that writes its help and explains mistakes."""
    import typer
    from typer.core import TyperArgument, TyperCommand

    from sophia_cli.commands.command_line.typer_form import described_for_typer

    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    app.command(name, context_settings=settings)(described_for_typer(function))
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)  # a Typer with one command is that command
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            # `SERVICE` and its sentence tell more than `SERVICE <list[str]>`.
            parameter.display_type_rich = _nothing  # type: ignore[method-assign]  # the one place where Typer asks
    return command


def _nothing(ctx: object) -> str:
    return ""


def _invoke_with_typer(name: str, function: Callable[..., int], arguments: Sequence[str]) -> int:
    import typer

    command = command_line(name, function)
    # Not `command.main`: it turns Ctrl-C and a closed pipe into exit codes of its own.
    try:
        with command.make_context(f"sophia {name}", list(arguments)) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as leave:
        return int(leave.exit_code)
