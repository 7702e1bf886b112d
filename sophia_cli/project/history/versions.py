"""The last compiling version of every broken file at once: one `git log` and one `git cat-file` for all of them."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.history.log import Version, log_arguments, read_log
from sophia_cli.project.history.model import GoodVersion, History, HistoryLimits, NeverCompiled, Stop
from sophia_cli.project.history.objects import CAT_FILE, Objects
from sophia_cli.project.history.quarantine import Deadline, GitFailed, OutOfTime, Quarantine, quarantine
from sophia_cli.project.history.repository import (
    Repository,
    find_repository,
    has_reftable,
    head_commit,
    promised_packs,
    shallow_commits,
)
from sophia_cli.project.history.walk import Added, Break, Trail, Verdict, Walk
from sophia_cli.project.source import SourceText, decode

# A file added broken under a name that history knows is taken for a damaged copy when it shares this part of its lines.
_COPY_OVERLAP = 0.6
_COPY_LINES = 8
_COPY_TRIES = 12


class _OutOfBytes(Exception):
    """The limit on bytes of file versions is used up."""


def last_good_versions(
    root: Path,
    broken: Mapping[str, bytes],
    compiles: Callable[[bytes], bool],
    *,
    limits: HistoryLimits | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> History:
    """Return the newest compiling version of each broken file, and the commit that broke it.

    `broken` gives the bytes of files that do not compile by path relative to `root`, which may lie anywhere in a
    checkout. Renames are followed, also to other folders and across merges. `compiles` is asked at most once for each
    distinct version. No git, no repository and no commit give an empty History; what limits or a failing git cut off is
    named in it. Nothing of the checkout's configuration is read.
    """
    limits = limits or HistoryLimits()
    repository = find_repository(root)
    head = head_commit(repository) if repository else None
    if repository is not None and head is None and has_reftable(repository) and broken:
        return History(unknown=frozenset(broken), stop=Stop.REFTABLE)
    if repository is None or head is None or not broken:
        return History(head=head or "")
    with quarantine(repository, head, os.environ if environment is None else environment) as git:
        if git is None:
            return History()
        asked = {repository.prefix + os.fsencode(path): path for path in broken}
        reading = _Reading(repository, git, head, asked, compiles, limits, Deadline(clock, clock() + limits.seconds))
        for data in broken.values():
            reading.verdicts[_blob_id(data, head)] = Verdict.BROKEN
        return reading.run()


@dataclass(slots=True)
class _Reading:
    """One reading of one repository's history."""

    repository: Repository
    git: Quarantine
    head: str
    asked: Mapping[bytes, str]
    compiles: Callable[[bytes], bool]
    limits: HistoryLimits
    deadline: Deadline
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)
    judged: int = 0

    def run(self) -> History:
        # What was found until a limit is still fetched, so this process outlives the deadline of the log.
        grace = Deadline(self.deadline.clock, self.deadline.at + self.limits.seconds / 2 + 1)
        try:
            with self.git.run(CAT_FILE, grace) as pipe:
                return self._read(Objects(pipe, self.limits.version_bytes))
        except (OutOfTime, GitFailed) as error:
            return History(self.head, unknown=frozenset(self.asked.values()), stop=_stop(error), detail=str(error))

    def _read(self, objects: Objects) -> History:
        blobs = objects.blobs_at(self.head, self.asked)
        walk = Walk(
            judge=lambda version: self._judge(objects, version),
            shallow=shallow_commits(self.repository),
            names=frozenset(path.rpartition(b"/")[2] for path in blobs),
        )
        found: dict[bytes, Break] = {}
        trails: list[Trail] = []
        stop, detail = None, ""
        try:
            for path, blob in blobs.items():
                version = Version(path, blob)
                match self._judge(objects, version):
                    case Verdict.GOOD:
                        found[path] = Break(version, self.head, "", version)
                    case Verdict.BROKEN:
                        trails.append(walk.start(version))
                    case Verdict.MISSING:
                        pass
            if trails:
                self._follow(walk, trails)
                stop = Stop.COMMITS if walk.order >= self.limits.commits else None
            for trail in trails:
                known = trail.found or trail.merge or self._copied(objects, walk, trail)
                if known:
                    found[trail.path] = known
        except (OutOfTime, _OutOfBytes, GitFailed) as error:
            stop, detail = _stop(error), str(error)
            found.update((trail.path, trail.found) for trail in trails if trail.found)
        good = {self.asked[path]: self._good(objects, known) for path, known in found.items()}
        never = {
            self.asked[trail.path]: self._never(objects, trail.added)
            for trail in trails
            if trail.path not in found and trail.added and not trail.is_unknown and stop is None
        }
        unknown = frozenset(self.asked[path] for path in blobs) - good.keys() - never.keys()
        stop = stop or self._not_here(trail for trail in trails if trail.is_unknown and trail.path not in found)
        return History(self.head, good, never, unknown, stop, detail, walk.order, self.judged)

    def _follow(self, walk: Walk, trails: list[Trail]) -> None:
        suffixes = {os.path.splitext(trail.path)[1].decode("utf-8", "surrogateescape") for trail in trails}
        # A suffix goes into a pattern of git's; one with special characters, or none, means looking at every file.
        patterns = sorted(suffixes | {".py"}) if all(suffix[1:].isalnum() for suffix in suffixes) else []
        for strict_order in (False, True):
            arguments = log_arguments(
                self.head,
                patterns,
                self.limits.commits,
                exact_renames=self._is_partial(),
                strict_order=strict_order,
            )
            with self.git.run(arguments, self.deadline) as pipe:
                walk.run(read_log(pipe))
            if not any(trail.is_lost for trail in trails) or walk.order >= self.limits.commits:
                return

    def _not_here(self, trails: Iterable[Trail]) -> Stop | None:
        """Return why these trails ended before the history of their files did, None when there are none."""
        shallow = shallow_commits(self.repository)
        ends = {trail.added.commit if trail.added else "" for trail in trails}
        if ends & shallow:
            return Stop.SHALLOW
        return Stop.PARTIAL if ends and self._is_partial() else None

    def _is_partial(self) -> bool:
        """Whether this is a partial clone: git cannot compare contents that are not here."""
        return bool(promised_packs(self.repository))

    def _judge(self, objects: Objects, version: Version) -> Verdict:
        verdict = self.verdicts.get(version.blob)
        if verdict is None:
            self.deadline.remaining()
            if objects.bytes_read > self.limits.bytes:
                raise _OutOfBytes
            self.judged += 1
            data = objects.read(version.blob)
            if data is None:
                verdict = Verdict.MISSING
            else:
                verdict = Verdict.GOOD if self.compiles(data) else Verdict.BROKEN
            self.verdicts[version.blob] = verdict
        return verdict

    def _copied(self, objects: Objects, walk: Walk, trail: Trail) -> Break | None:
        """Return the compiling version that a file added broken was copied from: same name, mostly the same lines."""
        if trail.added is None:
            return None
        broken = trail.added.version
        lines = _line_counts(_text(objects.read(broken.blob)))
        tried: set[str] = {broken.blob}
        if sum(lines.values()) < _COPY_LINES:
            return None
        for order, commit, version in walk.sightings[broken.path.rpartition(b"/")[2]]:
            if order < trail.added.order or version.blob in tried:
                continue
            if len(tried) > _COPY_TRIES:
                break
            tried.add(version.blob)
            other = _line_counts(_text(objects.read(version.blob)))
            shared = 2 * sum((lines & other).values()) / max(1, sum(lines.values()) + sum(other.values()))
            if shared >= _COPY_OVERLAP and self._judge(objects, version) is Verdict.GOOD:
                return Break(version, commit, trail.added.commit, broken, is_copy=True)
        return None

    def _good(self, objects: Objects, known: Break) -> GoodVersion:
        return GoodVersion(
            text=_text(objects.read(known.good.blob)),
            commit=known.good_commit,
            path=os.fsdecode(known.good.path),
            breaking_commit=known.breaker,
            breaking_summary=self._summary(objects, known.breaker) if known.breaker else "",
            first_broken=_text(objects.read(known.broken.blob)) if known.breaker else "",
            is_copy=known.is_copy,
        )

    def _never(self, objects: Objects, added: Added) -> NeverCompiled:
        return NeverCompiled(added.commit, self._summary(objects, added.commit), os.fsdecode(added.version.path))

    def _summary(self, objects: Objects, commit: str) -> str:
        if commit not in self.summaries:
            self.summaries[commit] = objects.summary(commit)
        return self.summaries[commit]


def _blob_id(data: bytes, head: str) -> str:
    """Return the id that git gives a blob of these bytes, in the hash function that `head` is written in."""
    digest = hashlib.sha1(usedforsecurity=False) if len(head) == 40 else hashlib.sha256()
    digest.update(b"blob %d\0" % len(data))
    digest.update(data)
    return digest.hexdigest()


def _text(data: bytes | None) -> str:
    source = decode(data) if data is not None else None
    return source.text if isinstance(source, SourceText) else ""


def _line_counts(text: str) -> Counter[str]:
    return Counter(_code_lines(text.split("\n")))


def _code_lines(lines: Iterable[str]) -> list[str]:
    return [stripped for line in lines if (stripped := line.strip())]


def _stop(error: Exception) -> Stop:
    if isinstance(error, OutOfTime):
        return Stop.SECONDS
    return Stop.BYTES if isinstance(error, _OutOfBytes) else Stop.FAILED
