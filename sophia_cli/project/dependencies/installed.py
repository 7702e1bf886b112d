"""Installed distributions as values."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.dependencies.model import Problem


@dataclass(frozen=True, slots=True)
class InstalledDistribution:
    """One distribution in an environment.

    `name` is normalised. `imports` are the dotted names that its files offer, namespace packages left out; empty where
    nothing tells. `requires` are the normalised names of what it needs, those of its extras left out; `extras` maps an
    extra to what it adds. `is_editable` tells that it is a link to a folder, the project's own as a rule. `scripts` are
    the commands it installs.
    """

    name: str
    version: str
    imports: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_editable: bool = False
    scripts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """What is installed where the project's code runs; `folder` is the environment, empty when none was found."""

    folder: str = ""
    distributions: Mapping[str, InstalledDistribution] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
