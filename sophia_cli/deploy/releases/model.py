"""The words of releases: what a release remembers, what it is made from, and how a copy differs from it."""

from __future__ import annotations

from sophia_cli.core.values import dataclass
from sophia_cli.deploy.fingerprint import Change, Fingerprint, Pairs
from sophia_cli.project.settings.service_model import Service


@dataclass(frozen=True, slots=True)
class PackageLock:
    """The packages that a release runs with.

    `python` is the interpreter (absolute), `version` that of Python (`3.11.4`), `distributions` the installed ones
    with their versions. `environment` is the digest of the environment that Sophia built for the release, empty where
    the release runs in the project's own.
    """

    python: str
    version: str
    distributions: Pairs = ()
    environment: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a copy: path relative to the tree with `/`, SHA-256, permission bits, size and time of change."""

    path: str
    sha256: str
    mode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ReleaseLink:
    """One symbolic link of a copy; `target` is what the link says, relative to the folder it is in.

    `outward` links lead from the copy to data in the project: what `persist` names, and what is too large to copy.
    """

    path: str
    target: str
    outward: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseContents:
    """Everything in a release's tree, sorted by path; `folders` are those that hold nothing."""

    files: tuple[ReleaseFile, ...]
    links: tuple[ReleaseLink, ...] = ()
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """One release of a service: what the agent needs to start it.

    `created` is UTC, ISO 8601. `environment` is the name of the settings' environment, empty for none. `commit` is that
    of git, None without one; it tells nothing about files that were not committed. `fingerprint` is the digest; the
    fingerprint itself and the contents of the tree are large and read apart (`ReleaseStore.fingerprint`, `.contents`).
    `secrets` are keyed hashes by name. `search_path` are folders relative to the tree that belong on PYTHONPATH.
    """

    service: Service
    number: int
    created: str
    environment: str
    commit: str | None
    fingerprint: str
    secrets: Pairs
    lock: PackageLock
    search_path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.service.name


@dataclass(frozen=True, slots=True)
class ReleaseDraft:
    """What a release is made of, beside the files."""

    service: Service
    created: str
    environment: str
    commit: str | None
    fingerprint: Fingerprint
    lock: PackageLock
    search_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One file of a copy that is not as it was created; `diff` is a unified diff, empty where there is none to show."""

    path: str
    change: Change
    diff: str = ""


@dataclass(frozen=True, slots=True)
class TreeDifferences:
    """How a release's tree differs from what was created.

    `edited` are files that changed or are gone, which `ReleaseStore.restore` brings back; `added` are files that
    somebody put there (bytecode that Python writes does not count).
    """

    edited: tuple[FileDifference, ...] = ()
    added: tuple[FileDifference, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether every file is there as it was created."""
        return not self.edited


@dataclass(frozen=True, slots=True)
class KeptRelease:
    """A release that pruning left although it is old: it holds files that Sophia did not write."""

    number: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did to the releases of one service."""

    removed: tuple[int, ...] = ()
    kept: tuple[KeptRelease, ...] = ()
