"""Whether a project declares services at all: asked before anything is started or written."""

from __future__ import annotations

from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.project.root import PYPROJECT_FILE, SETTINGS_FILE, holds_sophia_table


def no_services(place: str | None) -> UsageError:
    """Return the error for a project that declares no service; `place` is its settings file, or its folder."""
    return UsageError(
        "no-services",
        "no service is declared",
        hint="`sophia init` finds what can be started and writes `sophia.toml`; is this the right folder?",
        location=place,
    )


def check_declared(root: Path) -> None:
    """Raise UsageError (`no-services`) for a folder without settings: deploying there would leave an agent behind."""
    if not (root / SETTINGS_FILE).exists() and not holds_sophia_table(root / PYPROJECT_FILE):
        raise no_services(str(root))
