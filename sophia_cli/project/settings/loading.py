"""The settings of a project: `sophia.toml`, or `[tool.sophia]` in `pyproject.toml`."""

from __future__ import annotations

import os
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.project.root import PYPROJECT_FILE, SETTINGS_FILE, holds_sophia_table
from sophia_cli.project.settings.model import Settings


def load_settings(root: Path) -> Settings:
    """Return the settings of a project root, the defaults when it has no settings file.

    Raises UsageError for a file that cannot be read (`settings-unreadable`) or is not TOML (`settings-invalid`), for
    a key or value that cannot be (`settings-unknown-key`, `settings-wrong-value`, `settings-unknown-service`), each
    with file, line and column, and when both places hold settings (`settings-conflict`).
    """
    own = (root / SETTINGS_FILE).is_file()
    shared = holds_sophia_table(root / PYPROJECT_FILE)
    if own and shared:
        raise UsageError(
            "settings-conflict",
            f"both `{SETTINGS_FILE}` and `[tool.sophia]` in `{PYPROJECT_FILE}` hold settings; neither wins",
            hint=f"move everything to `{SETTINGS_FILE}` and remove `[tool.sophia]`",
            location=PYPROJECT_FILE,
        )
    if not own and os.path.lexists(root / SETTINGS_FILE):
        raise UsageError(
            "settings-unreadable",
            f"`{SETTINGS_FILE}` is no file, or a link that leads nowhere",
            hint="remove it, or put the settings there",
            location=SETTINGS_FILE,
        )
    if not own and not shared:
        return Settings()
    # Most projects have no settings; those that have pay for the parser.
    from sophia_cli.project.settings.parser import parse_settings

    file = SETTINGS_FILE if own else PYPROJECT_FILE
    return parse_settings(read_settings_text(root / file), file)


def read_settings_text(path: Path) -> str:
    """Return the text of a settings file; UsageError as `load_settings` raises it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            "settings-unreadable",
            f"`{path.name}` cannot be read: {reason}",
            hint="make the file readable for this user",
            location=path.name,
        ) from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise UsageError(
            "settings-invalid",
            f"`{path.name}` is not UTF-8: {error.reason}",
            hint="save it as UTF-8",
            location=f"{path.name}:{line}:{column}",
        ) from error
