"""The option of commands that report findings, apart from those that every command has: it needs words of its own."""

from __future__ import annotations

from typing import Annotated

from sophia_cli.commands.command_line.parameters import option
from sophia_cli.core.report import FailOn

FailOnOption = Annotated[
    FailOn, option("--fail-on", help="Exit with 1 when findings of this severity or worse remain.")
]
