"""`sophia init`: finds the services of a project and writes its settings file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.document import read_only_head
from sophia_cli.commands.command_line.options import FormatOption, Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, say, write_result
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.core.errors import ExitCode, UsageError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.discovery.find import find_entries
from sophia_cli.project.discovery.proposals import propose
from sophia_cli.project.discovery.reader import declared_name, project_reader
from sophia_cli.project.root import PYPROJECT_FILE, SETTINGS_FILE, find_root, holds_sophia_table
from sophia_cli.project.settings.parser import parse_settings
from sophia_cli.render.init_report import init_json, init_summary, init_text
from sophia_cli.render.init_toml import settings_text


def init(
    path: Annotated[Path, Argument(metavar="PATH", help="A path in the project.", show_default=False)] = Path(),
    dry_run: Annotated[bool, option("--dry-run", help="Print the settings file; write nothing.")] = False,
    force: Annotated[bool, option("--force", help="Replace settings that exist; the old file is kept.")] = False,
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Find the services of a project and write sophia.toml.

    Applications, MCP servers, workers, compose files, images and Procfiles are found in the files; nothing is run. A
    settings file that exists is replaced only with --force.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    if not os.path.lexists(path):
        raise UsageError("path-missing", f"`{path}` does not exist", hint="check the spelling of the path")
    root = find_root(path)
    if not dry_run:
        _check_free(root, force=force)
    paths, read = project_reader(root)
    proposals = propose(find_entries(paths, read), read)
    text = settings_text(declared_name(root / PYPROJECT_FILE) or root.name or "project", proposals)
    # What is written must be read by the very reader of every other command.
    parse_settings(text, SETTINGS_FILE)
    if not dry_run:
        kept = _keep(root / SETTINGS_FILE)
        if kept is not None and not quiet:
            say(f"the settings that stood here are kept in {kept.name}")
        write_result(text, root / SETTINGS_FILE)
    code = ExitCode.FINDINGS if dry_run else ExitCode.DONE
    if chosen is Format.JSON:
        verdict = "would-write" if dry_run else "written"
        head = read_only_head("init", verdict, code, clock.monotonic() - started)
        write_result(init_json(head, proposals, None if dry_run else SETTINGS_FILE), output)
    else:
        report = init_summary(proposals, SETTINGS_FILE) if quiet else init_text(proposals, SETTINGS_FILE)
        write_result(text if dry_run else report, output)
    return int(code)


def _check_free(root: Path, *, force: bool) -> None:
    if holds_sophia_table(root / PYPROJECT_FILE):
        raise UsageError(
            "settings-exist",
            f"`[tool.sophia]` in `{PYPROJECT_FILE}` holds the settings already",
            hint="`sophia init --dry-run` prints what was found; copy from there",
            location=PYPROJECT_FILE,
        )
    place = root / SETTINGS_FILE
    if os.path.lexists(place) and not (force and place.is_file()):
        raise UsageError(
            "settings-exist",
            f"`{SETTINGS_FILE}` exists already",
            hint="`--force` replaces it and keeps the old file; `--dry-run` prints what would be written",
            location=SETTINGS_FILE,
        )


def _keep(place: Path) -> Path | None:
    """Move the settings that stand at a place to a name that is free, and return it."""
    if not os.path.lexists(place):
        return None
    number = 1
    while os.path.lexists(kept := place.with_name(f"{place.name}.{number}.old")):
        number += 1
    try:
        os.link(place, kept)
    except OSError as error:
        raise UsageError(
            "output-unwritable",
            f"`{kept}` cannot be written: {error.strerror or error}",
            hint=f"move `{place.name}` away yourself, then run again",
        ) from error
    return kept
