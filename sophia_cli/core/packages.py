"""Changes of the packages in an environment, as values: what a dry run prints is what is installed."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


class PackageAction(Enum):
    """What is done with one package."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class PackageStep:
    """One package: its version `before` (None: not installed) and `after` (None: removed), and who asks for it.

    `wanted_by` are places in the project's declarations (`requirements.txt:3`) and names of packages.
    """

    name: str
    action: PackageAction
    before: str | None
    after: str | None
    wanted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageNote:
    """Something that is left as it is, and why: a package, a line of a declaration, a lock file."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class LockChange:
    """A lock file that is compiled anew: what changes in it (`+ httpx 1.0`, `routes 1.0 -> 1.1`, `- old 1.0`)."""

    path: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackagesReport:
    """What an installation does: `environment` is its folder as a user would write it, `python` its version.

    `resolver` is the tool that chose the versions, `resolved` the file that holds them with their hashes once they are
    installed. `unchanged` counts packages that are there already as they are wanted.
    """

    environment: str
    python: str
    resolver: str
    steps: tuple[PackageStep, ...]
    notes: tuple[PackageNote, ...]
    unchanged: int
    applied: bool = False
    resolved: str | None = None
    locks: tuple[LockChange, ...] = ()

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps or self.locks)
