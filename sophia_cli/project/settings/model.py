"""What the settings file says, as values: every field has the meaning that docs/settings.md gives its key."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass

if TYPE_CHECKING:
    from sophia_cli.project.settings.service_model import Service


class PackageSet(Enum):
    """Where a release finds its packages: in the project's environment, or in one of its own, built from the lock."""

    SHARED = "shared"
    PER_RELEASE = "per-release"


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """`[project]`: `python` is a path as written; `include` and `exclude` are gitignore-style patterns."""

    name: str | None = None
    python: str | None = None
    python_version: tuple[int, int] | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    environment: PackageSet = PackageSet.SHARED


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
class AgentSettings:
    """`[agent]`: whether its web API runs, and the port of that on 127.0.0.1."""

    web: bool = True
    web_port: int = 8002


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
    agent: AgentSettings = AgentSettings()

    def for_environment(self, name: str | None) -> tuple[Service, ...]:
        """Return the services as they are in an environment, the base ones for None.

        UsageError (`environment-unknown`) for an environment that the settings do not have.
        """
        if name is None:
            return self.services
        for environment in self.environments:
            if environment.name == name:
                return environment.services
        known = ", ".join(environment.name for environment in self.environments)
        raise UsageError(
            "environment-unknown",
            f"the settings have no environment `{name}`",
            hint=f"environments: {known}" if known else f"declare it: `[environments.{name}.services.SERVICE]`",
            location=self.source,
        )
