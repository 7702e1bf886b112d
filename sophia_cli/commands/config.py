"""`sophia config show`: the settings as they count in the end."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.document import read_only_head
from sophia_cli.commands.command_line.options import FormatOption, Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, write_result
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.core.errors import ExitCode, UsageError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.root import find_root
from sophia_cli.project.secrets.chain import find_secrets
from sophia_cli.project.secrets.providers import usual_providers
from sophia_cli.project.settings.effective import effective_values
from sophia_cli.project.settings.loading import load_settings, read_settings_text
from sophia_cli.render.config_report import config_json, config_text


class Action(Enum):
    """What `sophia config` does."""

    SHOW = "show"


def config(
    action: Annotated[Action, Argument(metavar="show", help="Print what counts in the end.")],
    path: Annotated[Path, Argument(metavar="PATH", help="A path in the project.", show_default=False)] = Path(),
    env: Annotated[
        str | None, option("--env", metavar="NAME", help="As in this environment.", show_default=False)
    ] = None,
    verbose: Verbose = False,
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    yes: Yes = False,
) -> int:
    """Show the effective settings with the source of every value.

    The file, an environment, a default, or for secrets the place that has them. Values of secrets are never shown. -v
    shows defaults too; JSON has them always.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    assert action is Action.SHOW  # the only one there is
    if not os.path.lexists(path):
        raise UsageError("path-missing", f"`{path}` does not exist", hint="check the spelling of the path")
    root = find_root(path)
    settings = load_settings(root)
    providers = usual_providers(root, env, os.environ)
    secrets = {
        service.name: find_secrets(service.secrets, providers)
        for service in settings.for_environment(env)
        if service.secrets
    }
    text = read_settings_text(root / settings.source) if settings.source is not None else ""
    values = effective_values(settings, text, env, secrets)
    if chosen is Format.JSON:
        head = read_only_head("config", "shown", ExitCode.DONE, clock.monotonic() - started)
        write_result(config_json(head, values, settings.source, env), output)
    else:
        write_result(config_text(values, with_defaults=verbose and not quiet), output)
    return int(ExitCode.DONE)
