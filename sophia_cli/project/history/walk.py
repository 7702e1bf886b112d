"""Following broken files back through the log to the version that compiled and the commit that broke it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import Enum

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.history.log import Change, Commit, Version

_SIGHTINGS = 300


class Verdict(Enum):
    """What is known about one version of a file."""

    GOOD = "compiles"
    BROKEN = "does not compile"
    MISSING = "not on this machine"


@dataclass(frozen=True, slots=True)
class Break:
    """A good version, the newest commit that holds it, the commit that broke it and the broken version it made.

    `is_copy` says that the good version is of another file, of which the broken one was a copy from the first.
    """

    good: Version
    good_commit: str
    breaker: str
    broken: Version
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """The oldest broken version of a file: the commit that added it and that commit's place in the log."""

    commit: str
    version: Version
    order: int


@dataclass(slots=True, eq=False)
class Trail:
    """How far one file was followed. `found` ends it; `added` is where the history of a broken file begins."""

    path: bytes
    found: Break | None = None
    merge: Break | None = None
    added: Added | None = None
    is_unknown: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether the log ended before the commit that made the oldest known version came by."""
        return not (self.found or self.merge or self.added or self.is_unknown)


@dataclass(slots=True)
class Walk:
    """All trails over one reading of the log.

    Each trail wants the commit that made a certain broken version. The versions before that commit are judged: one that
    compiles ends the trail, a broken one is wanted next. A merge breaks a file only when no broken parent did.
    """

    judge: Callable[[Version], Verdict]
    shallow: frozenset[str]
    names: frozenset[bytes]
    sightings: dict[bytes, list[tuple[int, str, Version]]] = field(default_factory=lambda: defaultdict(list))
    _wanted: dict[Version, list[Trail]] = field(default_factory=lambda: defaultdict(list))
    _absent: dict[bytes, list[tuple[Trail, str, Version]]] = field(default_factory=lambda: defaultdict(list))
    _open: int = 0
    order: int = 0

    def start(self, version: Version) -> Trail:
        """Begin the trail of a file whose version at HEAD is broken."""
        trail = Trail(version.path)
        self._wanted[version].append(trail)
        self._open += 1
        return trail

    def run(self, log: Iterable[Commit]) -> None:
        """Read the log until every trail has ended or the log has. What the log raises passes through."""
        self.order = 0
        for commit in log:
            self.order += 1
            for change in commit.changes:
                self._follow(commit, change)
            if not self._open:
                return

    def _follow(self, commit: Commit, change: Change) -> None:
        after = change.after
        if after is not None:
            name = after.path.rpartition(b"/")[2]
            if name in self.names and len(self.sightings[name]) < _SIGHTINGS:
                self.sightings[name].append((self.order, commit.id, after))
            for trail in self._wanted.get(after, ()):
                if trail.found is None:
                    self._step(trail, commit, change, after)
        for before in change.before:
            if before is not None and before.path in self._absent and (after is None or after.path != before.path):
                for trail, breaker, broken in self._absent.pop(before.path):
                    if trail.found is None:
                        self._consider(trail, commit, ((commit.parents[0], before),), breaker, broken)

    def _step(self, trail: Trail, commit: Commit, change: Change, after: Version) -> None:
        sides = [
            (parent, before)
            for parent, before in zip(commit.parents, change.before, strict=False)
            if before is not None and before.blob != after.blob
        ]
        same = [before for before in change.before if before is not None and before.blob == after.blob]
        for before in same:
            self._want(before, trail)
        if not sides and not same:
            trail.added = Added(commit.id, after, self.order)
            trail.is_unknown |= commit.id in self.shallow
            self._absent[after.path].append((trail, commit.id, after))
        else:
            self._consider(trail, commit, tuple(sides), commit.id, after, bool(same))

    def _consider(
        self,
        trail: Trail,
        commit: Commit,
        sides: tuple[tuple[str, Version], ...],
        breaker: str,
        broken: Version,
        has_broken_side: bool = False,
    ) -> None:
        good: Break | None = None
        for parent, before in sides:
            match self.judge(before):
                case Verdict.GOOD:
                    good = good or Break(before, parent, breaker, broken)
                case Verdict.BROKEN:
                    has_broken_side = True
                    self._want(before, trail)
                case Verdict.MISSING:
                    trail.is_unknown = True
        if good is None:
            return
        if has_broken_side:
            trail.merge = trail.merge or good
        else:
            trail.found = good
            self._open -= 1

    def _want(self, version: Version, trail: Trail) -> None:
        trails = self._wanted[version]
        if trail not in trails:
            trails.append(trail)
