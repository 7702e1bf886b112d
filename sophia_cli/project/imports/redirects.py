"""The words of evidence: where an import may be meant to lead, what bears it out, and who is asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from sophia_cli.core.values import dataclass


class MovedFile(Protocol):
    """Where a file is today, and the commit that moved it."""

    @property
    def path(self) -> str: ...
    @property
    def commit(self) -> str: ...


class EarlierVersion(Protocol):
    """A file's text before a commit changed it."""

    @property
    def commit(self) -> str: ...
    @property
    def text(self) -> str: ...


class Memory(Protocol):
    """What the repository remembers of its files."""

    def moved(self, path: str, /) -> MovedFile | None: ...

    def removed(self, path: str, /) -> str | None: ...

    def earlier(self, path: str, /) -> Sequence[EarlierVersion]: ...


class Shipping(Protocol):
    """What distributions ship, as far as the environment or a table tells."""

    def ships(self, module: str, /) -> bool | None:
        """Whether a distribution holds this very module; None when its files are not known."""
        ...

    def declared_tops(self) -> tuple[str, ...]:
        """The top-level names that declared distributions offer, sorted."""
        ...


class Ground(Enum):
    """What bears out that another module is meant, the strongest first."""

    MOVED = "moved"
    EARLIER = "earlier"
    SAME_NAME = "same-name"
    CLOSE = "close"
    SHIPPED = "shipped"
    PEERS = "peers"
    DEFINES = "defines"

    @property
    def rank(self) -> int:
        """Order from the strongest (0) on."""
        return list(Ground).index(self)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another module for an import: as it is to be written, dots included; `path` is None for a distribution's.

    `is_sure` tells that all imported names were found there and that nothing in the project speaks against it.
    `called` is what a name is called there, empty where that is no other name.
    """

    written: str
    path: str | None
    ground: Ground
    told: str
    is_sure: bool
    confidence: float
    called: str = ""
