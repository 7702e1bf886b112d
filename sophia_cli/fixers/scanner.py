"""Scanning files: from the cache where they have not changed, else analysed on all cores; reports in stable order."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sophia_cli.core.findings import Finding
from sophia_cli.core.values import dataclass, field, replace
from sophia_cli.fixers.analysis import AnalysisContext, FileReport
from sophia_cli.fixers.codec import report_from_values, report_to_values
from sophia_cli.fixers.examine import (
    Content,
    Examined,
    Examiner,
    load_facts,
    load_repair,
    read_content,
    refusal_report,
    refusal_status,
)
from sophia_cli.fixers.rule import AnyRule
from sophia_cli.fixers.view import Obstacle
from sophia_cli.project.cache import CacheEntry, ScanCache
from sophia_cli.project.cache_file import Values
from sophia_cli.project.files.classify import FileStatus
from sophia_cli.project.files.inventory import ProjectFile

if TYPE_CHECKING:
    from sophia_cli.fixers.worker import Outcome

FILE_LIMIT_S = 120.0
_CHUNK_BYTES = 200_000
_CHUNK_FILES = 24
_SMALL_SCAN_BYTES = 100_000
_STATUSES = {status.value: status for status in FileStatus}


class Progress(Protocol):
    """Hears how far a scan is; called in the process that scans, seldom enough to draw at each call."""

    def __call__(self, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """One file's outcome.

    `status` is final: what a file's content says (generated, template, Python 2) is known here. `digest` is the
    SHA-256 of the bytes that were analysed, empty when none were read. `cached` tells that nothing was read or run.
    """

    report: FileReport
    status: FileStatus
    digest: str
    cached: bool


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The outcome of a scan, in the order of the files that were given.

    `facts` holds the values of what files say to others, by path, for those that were read, when they were asked for.
    `evidence` are the keys of what the reports of broken files rest on.
    """

    files: tuple[ScannedFile, ...]
    facts: Mapping[str, Values] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()

    @property
    def reports(self) -> tuple[FileReport, ...]:
        """Every file's report."""
        return tuple(file.report for file in self.files)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order in which they are reported."""
        found = chain.from_iterable(file.report.findings for file in self.files)
        return tuple(sorted(found, key=lambda finding: finding.sort_key))

    def counts(self) -> Mapping[FileStatus, int]:
        """Return how many files turned out to have each status."""
        return Counter(file.status for file in self.files)


BrokenContexts = Callable[[Mapping[str, bytes]], Mapping[str, AnalysisContext]]
"""Gives the contexts of broken files, all at once, from their bytes: one reading of history serves them all."""


def _each(file: ProjectFile) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How to scan. `history_key` names the state of history that broken files' contexts depend on (the commit of HEAD).

    `jobs` is how many processes analyse at once. A file on which a process spends more than `limit_s` seconds is given
    up with a finding. `wall_ns` is the clock of the file system: by it a file is too young for its stamp to be trusted.
    `repairs` tells which broken files are to be mended: the others only count as broken, which takes little. With
    `facts`, what files say to others is read too.
    """

    jobs: int = 1
    repairs: Callable[[ProjectFile], bool] = _each
    facts: bool = False
    history_key: str = ""
    limit_s: float = FILE_LIMIT_S
    wall_ns: Callable[[], int] = time.time_ns


def scan_files(
    root: Path,
    files: Sequence[ProjectFile],
    context_for: Callable[[ProjectFile], AnalysisContext],
    rules: Sequence[AnyRule],
    *,
    cache: ScanCache | None = None,
    broken_contexts: BrokenContexts | None = None,
    progress: Progress | None = None,
    options: ScanOptions | None = None,
) -> ScanResult:
    """Return the reports of `files` (an inventory's `to_scan`), in their order.

    First every file is read and compiled; those that do not compile are then analysed with the contexts that
    `broken_contexts` gives for them, or `context_for` where it gives none. It is asked when the history or a file that
    does not compile changed since the scan that filled `cache`; then those are analysed whose `evidence_key` changed.
    Whatever happens to one file (unreadable, too large, a crash or an endless run of its analysis) is a finding of that
    file. Takes in and updates `cache`; the caller saves it.
    """
    scan = _Scan(root, files, context_for, rules, cache, progress, options or ScanOptions())
    scan.take_from_cache()
    scan.examine()
    scan.repair(broken_contexts)
    return scan.result()


@dataclass(frozen=True, slots=True)
class _Known:
    """A cached report of a broken file: its entry, the evidence it rests on, the state that the evidence came from."""

    entry: CacheEntry
    evidence_key: str
    state: str


@dataclass(slots=True)
class _Scan:
    root: Path
    files: Sequence[ProjectFile]
    context_for: Callable[[ProjectFile], AnalysisContext]
    rules: Sequence[AnyRule]
    cache: ScanCache | None
    progress: Progress | None
    options: ScanOptions
    done: dict[int, ScannedFile] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)
    known_broken: dict[int, _Known] = field(default_factory=dict)
    facts: dict[str, Values] = field(default_factory=dict)
    contexts: Mapping[str, AnalysisContext] = field(default_factory=dict)
    _modules_key: str | None = None

    def take_from_cache(self) -> None:
        """Answer for what needs no reading: refused files, and files whose stamp did not change."""
        for index, file in enumerate(self.files):
            if file.status is FileStatus.TOO_LARGE:
                self._refuse(index, Obstacle.TOO_LARGE, str(file.stamp.size))
            elif file.status is FileStatus.UNREADABLE:
                self._refuse(index, Obstacle.UNREADABLE, "it is not a regular file")
            elif self.cache is not None:
                self._take_entry(index, self.cache.unchanged(file.path, file.stamp, self._context_key(file)))
        self._tell()

    def examine(self) -> None:
        """Read, compile and check what is left; remember the files that do not compile."""
        left = [index for index in range(len(self.files)) if index not in self.done]
        examiner = self._examiner({})
        for index, outcome in self._outcomes(left, lambda index: examiner.examine(self.files[index])):
            if outcome.result is None:
                self._refuse(index, Obstacle.CRASHED, outcome.reason)
            else:
                self._settle(index, outcome.result)
            self._tell()

    def repair(self, broken_contexts: BrokenContexts | None) -> None:
        """Analyse in full the files that do not compile and about which not the same is known as before."""
        state = self._broken_state()
        if not self.broken and all(known.state == state for known in self.known_broken.values()):
            return
        contexts: Mapping[str, AnalysisContext] = {}
        if broken_contexts is not None:
            self.contexts = contexts = broken_contexts(dict(self._broken_bytes()))
        self._sort_out(contexts, state)
        examiner = self._examiner(contexts)
        for index, outcome in self._outcomes(
            tuple(self.broken), lambda index: examiner.examine_in_full(self.files[index]), one_by_one=True
        ):
            if outcome.result is None:
                self._refuse(index, Obstacle.CRASHED, outcome.reason)
            else:
                self._take_examined(index, outcome.result, self._evidence_key(contexts, index), state)
            self._tell()

    def _sort_out(self, contexts: Mapping[str, AnalysisContext], state: str) -> None:
        """Let the known reports stand that rest on the same evidence; the other files are analysed again."""
        for index, known in list(self.known_broken.items()):
            if known.evidence_key == self._evidence_key(contexts, index):
                self._store(index, known.entry, known.evidence_key, state)
            else:
                self.broken[index] = known.entry.digest
                del self.known_broken[index], self.done[index]

    def _evidence_key(self, contexts: Mapping[str, AnalysisContext], index: int) -> str:
        context = contexts.get(self.files[index].path)
        return "" if context is None else context.evidence_key

    def _broken_state(self) -> str:
        """Return what the evidence about broken files comes from: history, and all of them, since each may teach."""
        digests = {index: known.entry.digest for index, known in self.known_broken.items()} | self.broken
        if not digests:
            return ""
        lines = sorted(f"{self.files[index].path} {digest}" for index, digest in digests.items())
        checksum = zlib.crc32("\n".join(lines).encode("utf-8", "surrogateescape"))
        return f"{len(lines)} {checksum:08x} {self.options.history_key}"

    def result(self) -> ScanResult:
        fresh = (context.evidence_key for context in self.contexts.values())
        evidence = tuple(fresh) or tuple(known.evidence_key for known in self.known_broken.values())
        return ScanResult(tuple(self.done[index] for index in range(len(self.files))), self.facts, evidence)

    def _examiner(self, contexts: Mapping[str, AnalysisContext]) -> Examiner:
        def context_for(file: ProjectFile) -> AnalysisContext:
            return contexts.get(file.path) or self.context_for(file)

        return Examiner(self.root, self.rules, context_for, self.options.wall_ns, self.options.facts)

    def _outcomes(
        self, indexes: Sequence[int], work: Callable[[int], Examined], one_by_one: bool = False
    ) -> Iterator[tuple[int, Outcome[Examined]]]:
        """Do the work for these files, here when it is little, else in child processes, the largest first."""
        if not indexes:
            return
        # Sockets, signals and pickle are of no use to a scan that the cache answers.
        from sophia_cli.fixers.worker import work_here, work_in_children

        sizes = {index: self.files[index].stamp.size for index in indexes}
        if sum(sizes.values()) <= _SMALL_SCAN_BYTES and not (one_by_one and len(indexes) > 1):
            for outcome in work_here(lambda place: work(indexes[place]), len(indexes)):
                yield indexes[outcome.index], outcome
            return
        if one_by_one:
            load_repair()
        elif self.options.facts:
            load_facts()
        ordered = sorted(indexes, key=lambda index: (-sizes[index], index))
        chunks = [(index,) for index in ordered] if one_by_one else list(_chunks(ordered, sizes))
        for outcome in work_in_children(work, chunks, max(1, self.options.jobs), self.options.limit_s):
            yield outcome.index, outcome

    def _settle(self, index: int, examined: Examined) -> None:
        """Take in a first look: final for a file that compiles or is not to be mended."""
        file = self.files[index]
        if examined.facts is not None:
            self.facts[file.path] = examined.facts
        if self.cache is not None and examined.digest:
            entry = self.cache.same_content(file.path, examined.digest, self._context_key(file))
            if entry is not None and self._take_entry(index, entry):
                if examined.stamp is not None:
                    renewed = CacheEntry(examined.stamp, examined.settled, entry.digest, entry.context, entry.report)
                    self.cache.store(file.path, renewed)
                    if index in self.known_broken:
                        self.known_broken[index] = replace(self.known_broken[index], entry=renewed)
                return
        if examined.needs_repair and not self.options.repairs(file):
            self.done[index] = ScannedFile(examined.report, examined.status, examined.digest, cached=False)
        elif examined.needs_repair:
            self.broken[index] = examined.digest
        else:
            self._take_examined(index, examined)

    def _take_examined(self, index: int, examined: Examined, evidence_key: str = "", state: str = "") -> None:
        file = self.files[index]
        self.done[index] = ScannedFile(examined.report, examined.status, examined.digest, cached=False)
        if self.cache is not None and examined.digest and examined.stamp is not None:
            plain = examined.report.compiles and examined.status is file.status
            context = "" if plain else self._context_key(file)
            values = [examined.status.value, report_to_values(examined.report)]
            entry = CacheEntry(examined.stamp, examined.settled, examined.digest, context, values)
            self._store(index, entry, evidence_key, state)

    def _store(self, index: int, entry: CacheEntry, evidence_key: str, state: str) -> None:
        """Remember a report; for a file that does not compile also what it rests on beside the file."""
        match entry.report:
            case [status, values, *_] if self.cache is not None:
                held = [status, values, evidence_key, state] if state else [status, values]
                self.cache.store(self.files[index].path, replace(entry, report=held))

    def _take_entry(self, index: int, entry: CacheEntry | None) -> bool:
        """Answer for a file from a cache entry; return False when the entry cannot be read."""
        if entry is None or self.cache is None:
            return False
        file = self.files[index]
        match entry.report:
            case [str(value), values, *evidence] if value in _STATUSES:
                report = report_from_values(file.path, values)
                if report is None:
                    return False
                self.done[index] = ScannedFile(report, _STATUSES[value], entry.digest, cached=True)
                self.cache.keep(file.path)
                match evidence:
                    case [str(evidence_key), str(state)] if self.options.repairs(file):
                        self.known_broken[index] = _Known(entry, evidence_key, state)
                return True
        return False

    def _refuse(self, index: int, obstacle: Obstacle, reason: str) -> None:
        report = refusal_report(self.files[index].path, obstacle, reason, self.rules)
        self.done[index] = ScannedFile(report, refusal_status(obstacle), "", cached=False)

    def _context_key(self, file: ProjectFile) -> str:
        """Return what the report of a file that does not compile depends on beside its content."""
        if self._modules_key is None:
            modules = "\n".join(sorted(self.context_for(file).modules))
            self._modules_key = f"{zlib.crc32(modules.encode('utf-8', 'surrogateescape')):08x}"
        return f"{file.status.value} {file.named} {self._modules_key}"

    def _broken_bytes(self) -> Iterator[tuple[str, bytes]]:
        """Return the bytes of all files that do not compile, also of those whose report is known already."""
        for index in (*self.known_broken, *self.broken):
            path = self.files[index].path
            content = read_content(self.root, path, self.options.wall_ns)
            if isinstance(content, Content):
                yield path, content.data

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(len(self.done), len(self.files))


def _chunks(indexes: Sequence[int], sizes: Mapping[int, int]) -> Iterator[tuple[int, ...]]:
    """Split into runs of about the same number of bytes, so that no process waits long for the last one."""
    chunk: list[int] = []
    held = 0
    for index in indexes:
        chunk.append(index)
        held += sizes[index]
        if held >= _CHUNK_BYTES or len(chunk) == _CHUNK_FILES:
            yield tuple(chunk)
            chunk, held = [], 0
    if chunk:
        yield tuple(chunk)
