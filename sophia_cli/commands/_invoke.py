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
    """Run one command and return its exit code; errors, also those of the command line, are raised."""
    result = command_line(name, target).main(args=list(arguments), prog_name=f"sophia {name}", standalone_mode=False)
    return int(result or 0)
