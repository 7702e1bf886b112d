"""The words of history: the last good version of a file, files that never compiled, limits, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from sophia_cli.core.values import dataclass, field


class Stop(Enum):
    """Why reading history ended before its beginning."""

    COMMITS = "commit limit"
    BYTES = "byte limit"
    SECONDS = "time limit"
    FAILED = "git failed"
    SHALLOW = "shallow clone"
    PARTIAL = "partial clone"
    REFTABLE = "reftable"


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How much history is read at most: commits, bytes of file versions, wall-clock seconds, bytes of one version."""

    commits: int = 50_000
    bytes: int = 512_000_000
    seconds: float = 30.0
    version_bytes: int = 5_000_000


@dataclass(frozen=True, slots=True)
class GoodVersion:
    """The last version of a file that compiled, from history, and the commit that broke it.

    `commit` is the newest commit that holds the good version, under `path` (relative to the top of the git checkout; it
    differs from the file's own path after a rename, a move or a copy). `breaking_commit` is the full id of the first
    commit after it whose version does not compile, `breaking_summary` its title; both are empty when the damage is not
    committed. `first_broken` is the text of the breaking commit's version, empty for uncommitted damage and for
    versions that cannot be decoded. `is_copy` says that the file was added broken and the good version is of the file
    that it was copied from. Texts have `\\n` line endings.
    """

    text: str
    commit: str
    path: str
    breaking_commit: str
    breaking_summary: str
    first_broken: str = ""
    is_copy: bool = False

    @property
    def is_uncommitted(self) -> bool:
        """Whether the version at HEAD compiles, so that only the working tree is broken."""
        return not self.breaking_commit


@dataclass(frozen=True, slots=True)
class NeverCompiled:
    """A file whose every committed version is broken: the commit that added it, its title, the path it had then."""

    commit: str
    summary: str
    path: str


@dataclass(frozen=True, slots=True)
class History:
    """What history says about the files that were asked for, by the path they were asked with.

    A path in neither map is untracked, or its history could not be read to the end (`unknown`): a limit (`stop`), a
    shallow clone, or objects that are not on this machine. `head` is the commit that was read from, empty without one.
    """

    head: str = ""
    good: Mapping[str, GoodVersion] = field(default_factory=dict)
    never_compiled: Mapping[str, NeverCompiled] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    stop: Stop | None = None
    detail: str = ""
    commits: int = 0
    versions: int = 0


class Move(NamedTuple):
    """Where a file is today that lay elsewhere, and the commit that moved it first."""

    path: str
    commit: str


class EarlierText(NamedTuple):
    """A file's text before the commit that changed it, newest first where several are given."""

    commit: str
    text: str
