"""Turn a command's function into a command line and run it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import typer
from typer.core import TyperCommand


def command_line(name: str, target: str) -> TyperCommand:
    """Return the parser of one command, loaded from `module:function`; the function returns its exit code."""
    module, _, function = target.partition(":")
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    app.command(name, context_settings=settings)(getattr(importlib.import_module(module), function))
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)  # a Typer with one command is that command
    return command


def invoke(name: str, target: str, arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors, Ctrl-C and those of the command line too, are raised."""
    command = command_line(name, target)
    # Not `command.main`: it turns Ctrl-C and a closed pipe into exit codes of its own.
    try:
        with command.make_context(f"sophia {name}", list(arguments)) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as leave:
        return int(leave.exit_code)
