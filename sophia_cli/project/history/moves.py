"""Where files went and what they held earlier, from one reading of the log: evidence for mending imports and calls."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.history.log import Commit, log_arguments, read_log
from sophia_cli.project.history.model import EarlierText, HistoryLimits, Move
from sophia_cli.project.history.objects import CAT_FILE, Objects
from sophia_cli.project.history.quarantine import Deadline, GitFailed, OutOfTime, quarantine
from sophia_cli.project.history.repository import find_repository, head_commit
from sophia_cli.project.source import SourceText, decode

_VERSIONS_KEPT = 12
_SECONDS = 10.0
_PYTHON = (".py",)
_EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"  # git's name for no bytes


@dataclass(slots=True)
class FilePast:
    """What git remembers of the project's files; reads the log when it is asked for the first time.

    Paths are relative to `root`. Without git, a repository or a commit nothing is remembered; what a limit cuts off is
    not remembered either.
    """

    root: Path
    limits: HistoryLimits = field(default_factory=lambda: HistoryLimits(seconds=_SECONDS))
    environment: Mapping[str, str] | None = None
    clock: Callable[[], float] = time.monotonic
    _log: _Log | None = None
    _texts: dict[str, tuple[EarlierText, ...]] = field(default_factory=dict)

    def moved(self, path: str) -> Move | None:
        """Return where the file that was at `path` is in HEAD, renames followed to their end; None when unknown."""
        return self._read().moves.get(path)

    def removed(self, path: str) -> str | None:
        """Return the commit that removed the file at `path`, None when none did or it was moved."""
        return self._read().removed.get(path)

    def earlier(self, path: str) -> tuple[EarlierText, ...]:
        """Return up to twelve earlier versions of a file that is there, newest first, renames followed."""
        if path not in self._texts:
            self.read_ahead([path])
        return self._texts[path]

    def read_ahead(self, paths: Iterable[str]) -> None:
        """Read the earlier versions of several files at once: every reading costs a process."""
        versions = {path: self._read().versions.get(path, []) for path in paths if path not in self._texts}
        wanted = list(dict.fromkeys(version for some in versions.values() for version in some))
        texts = dict(self._fetched(wanted)) if wanted else {}
        for path, some in versions.items():
            found = (texts.get(version) for version in some)
            self._texts[path] = tuple(text for text in found if text is not None)

    def _read(self) -> _Log:
        if self._log is None:
            self._log = _Log()
            repository = find_repository(self.root)
            head = head_commit(repository) if repository else None
            if repository is None or head is None:
                return self._log
            self._log.prefix = repository.prefix
            is_partial = any((repository.objects / "pack").glob("*.promisor"))
            arguments = log_arguments(head, _PYTHON, self.limits.commits, exact_renames=is_partial)
            deadline = Deadline(self.clock, self.clock() + self.limits.seconds)
            with quarantine(repository, head, self._environment()) as git:
                if git is not None:
                    try:
                        with git.run(arguments, deadline) as pipe:
                            self._log.take(read_log(pipe))
                    except (OutOfTime, GitFailed):
                        # What was read until then stands: the newest commits come first.
                        return self._log
        return self._log

    def _fetched(self, versions: list[tuple[str, str]]) -> Iterable[tuple[tuple[str, str], EarlierText]]:
        repository = find_repository(self.root)
        head = head_commit(repository) if repository else None
        if repository is None or head is None:
            return
        deadline = Deadline(self.clock, self.clock() + self.limits.seconds)
        with quarantine(repository, head, self._environment()) as git:
            if git is None:
                return
            try:
                with git.run(CAT_FILE, deadline) as pipe:
                    objects = Objects(pipe, self.limits.version_bytes)
                    for commit, blob in versions:
                        source = decode(objects.read(blob) or b"")
                        if isinstance(source, SourceText):
                            yield (commit, blob), EarlierText(commit, source.text)
            except (OutOfTime, GitFailed):
                return

    def _environment(self) -> Mapping[str, str]:
        return os.environ if self.environment is None else self.environment


@dataclass(slots=True)
class _Log:
    """What one reading of the log came to. Commits come newest first, so the first word about a path is the last."""

    prefix: bytes = b""
    moves: dict[str, Move] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    versions: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    _seen: set[str] = field(default_factory=set)
    _added: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _last: dict[str, str] = field(default_factory=dict)

    def take(self, commits: Iterable[Commit]) -> None:
        """Read commits, newest first."""
        try:
            for commit in commits:
                for change in commit.changes:
                    after = None if change.after is None else self._path(change.after.path)
                    for before in change.before[:1]:
                        if before is not None:
                            self._step(commit.id, after, self._path(before.path), before.blob)
                        elif after is not None and change.after is not None and after not in self.removed:
                            known = self.moves.get(after)
                            self._added[change.after.blob].add(known.path if known is not None else after)
                    if after is not None:
                        self._seen.add(after)
        finally:
            self._join()

    def _join(self) -> None:
        """Take a file that went in one commit and came elsewhere in another, the same to the byte, for moved."""
        for path, commit in list(self.removed.items()):
            homes = self._added.get(self._last[path], set()) - {path}
            if len(homes) == 1 and self._last[path] != _EMPTY:
                del self.removed[path]
                self.moves.setdefault(path, Move(min(homes), commit))

    def _step(self, commit: str, after: str | None, before: str | None, blob: str) -> None:
        if before is None:
            return
        if after is None:
            if before not in self._seen:
                self.removed.setdefault(before, commit)
                self._last.setdefault(before, blob)
        else:
            known = self.moves.get(after)
            today = known.path if known is not None else after
            if after != before and before not in self._seen and before not in self.removed and today != before:
                self.moves.setdefault(before, Move(today, commit))
            kept = self.versions[today]
            if len(kept) < _VERSIONS_KEPT:
                kept.append((commit, blob))
        self._seen.add(before)

    def _path(self, path: bytes) -> str | None:
        """Return a path relative to the project root, None outside of it."""
        return os.fsdecode(path[len(self.prefix) :]) if path.startswith(self.prefix) else None
