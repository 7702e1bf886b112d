"""What the settings file says, as values: every field has the meaning that docs/settings.md gives its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sophia_cli.project.settings.service_model import Service


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """`[project]`: `python` is a path as written; `include` and `exclude` are gitignore-style patterns."""

    name: str | None = None
    python: str | None = None
    python_version: tuple[int, int] | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PathIgnore:
    """Selectors that are ignored in files that match a gitignore-style pattern."""

    pattern: str
    ignore: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """`[rules]`: selectors as written; which rules they name is decided where the rules are known."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_path: tuple[PathIgnore, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """`[environments.NAME]`: every service as it is there, the base settings with the environment's own on top."""

    name: str
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a project. `source` is the file they come from, None when there is none."""

    source: str | None = None
    project: ProjectSettings = ProjectSettings()
    rules: RuleSettings = RuleSettings()
    services: tuple[Service, ...] = ()
    environments: tuple[Environment, ...] = ()
