"""One file from the disk to its report: read it, see what it is, and let the rules speak."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sophia_cli.core.findings import Finding, Severity
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.analysis import AnalysisContext, FileReport, analyse, report_of, view_of
from sophia_cli.fixers.rule import AnyRule
from sophia_cli.fixers.syntax.compiler import uncollected
from sophia_cli.fixers.view import FileView, Obstacle
from sophia_cli.project.cache import SETTLED_NS
from sophia_cli.project.cache_file import Values
from sophia_cli.project.files.classify import LARGEST_FILE, FileStatus, classify_content
from sophia_cli.project.files.inventory import FileStamp, ProjectFile
from sophia_cli.project.source import SourceText

if TYPE_CHECKING:
    import ast

    from sophia_cli.project.code.file_facts import FileFacts


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one file.

    `report` is final unless `needs_repair`: then the file does not compile and is to be analysed in full, with what
    history says about it. `stamp` is
    the file's when it was read, `settled` whether it was old enough by then to prove the content; None and an empty
    `digest` when it was not read.
    """

    report: FileReport
    status: FileStatus
    digest: str
    stamp: FileStamp | None
    settled: bool
    needs_repair: bool = False
    facts: Values = None


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes with what tells them from later ones."""

    data: bytes
    stamp: FileStamp
    settled: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a file's bytes are not there."""

    obstacle: Obstacle
    reason: str


@dataclass(slots=True)
class _FactsReader:
    """Reads the facts of one file while it is looked at."""

    path: str
    facts: FileFacts | None = None

    def knows(self, tree: ast.Module, text: str) -> bool:
        """Read the facts of a tree; return whether they show that it compiles."""
        from sophia_cli.project.code.file_facts import facts_and_certainty

        self.facts, is_certain = facts_and_certainty(self.path, text, tree)
        return is_certain


@dataclass(frozen=True, slots=True)
class Examiner:
    """Examines files below `root` with `rules`; `context_for` gives what each analysis may know of the project, and
    `wall_ns` the time by the clock that file stamps come from. `with_facts` asks for the facts of each file too."""

    root: Path
    rules: Sequence[AnyRule]
    context_for: Callable[[ProjectFile], AnalysisContext]
    wall_ns: Callable[[], int]
    with_facts: bool = False

    def examine(self, file: ProjectFile) -> Examined:
        """Read and compile a file; report on it unless it asks for repair. Never fails for any content."""
        content = read_content(self.root, file.path, self.wall_ns)
        if isinstance(content, Refused):
            return self._refused(file, content)
        # A tree is many objects and no cycle: going through it for one, again and again, costs as much as reading it.
        with uncollected():
            return self._looked_at(file, content)

    def _looked_at(self, file: ProjectFile, content: Content) -> Examined:
        reader = _FactsReader(file.path)
        view = view_of(file.path, content.data, self.context_for(file), reader.knows if self.with_facts else None)
        status = _status(file, view, content.data)
        compiles = isinstance(view.source, SourceText) and view.fault is None
        if status is FileStatus.LOOKED_AT and not compiles:
            report = FileReport(file.path, (), False, 0)
            return self._examined(content, report, status, needs_repair=True, facts=self._facts(view, reader))
        report = report_of(view, self.rules if status.is_reported else ())
        if status is FileStatus.FIXTURE:
            report = replace(report, findings=tuple(_as_note(finding) for finding in report.findings))
        return self._examined(content, report, status, facts=self._facts(view, reader))

    def examine_in_full(self, file: ProjectFile) -> Examined:
        """Read a file that does not compile and analyse it, repair and all."""
        content = read_content(self.root, file.path, self.wall_ns)
        if isinstance(content, Refused):
            return self._refused(file, content)
        report = analyse(file.path, content.data, self.context_for(file), self.rules)
        return self._examined(content, report, file.status)

    def _facts(self, view: FileView, reader: _FactsReader) -> Values:
        if not self.with_facts or not isinstance(view.source, SourceText) or view.python_2:
            return None
        # A scan that answers from the cache reads no facts.
        from sophia_cli.project.code.codec import facts_to_values
        from sophia_cli.project.code.file_facts import facts_of

        facts = None if view.tree is None else reader.facts
        if facts is None:
            facts = facts_of(view.path, view.source.text, view.tree)
        # A large file has no tree although it compiles.
        return facts_to_values(facts if view.fault is not None else replace(facts, compiles=True))

    def _refused(self, file: ProjectFile, refused: Refused) -> Examined:
        report = refusal_report(file.path, refused.obstacle, refused.reason, self.rules)
        return Examined(report, refusal_status(refused.obstacle), "", None, False)

    def _examined(
        self,
        content: Content,
        report: FileReport,
        status: FileStatus,
        needs_repair: bool = False,
        facts: Values = None,
    ) -> Examined:
        # OpenSSL comes with hashlib; a scan that answers from the cache needs neither.
        from hashlib import sha256

        digest = sha256(content.data).hexdigest()
        return Examined(report, status, digest, content.stamp, content.settled, needs_repair, facts)


def load_facts() -> None:
    """Import what reading files and their facts takes, so that processes forked after this share it."""
    from importlib import import_module

    for name in ("codec", "file_facts", "extract", "extract_calls"):
        import_module(f"sophia_cli.project.code.{name}")
    import_module("hashlib")


def load_repair() -> None:
    """Import the repair engine and read what it has learned, so that processes forked after this share both."""
    from sophia_cli.fixers.syntax import engine  # noqa: F401 - for those who come after
    from sophia_cli.fixers.syntax.costs import learned_costs
    from sophia_cli.fixers.syntax.token_model import load_token_model

    learned_costs()
    load_token_model()


def refusal_report(path: str, obstacle: Obstacle, reason: str, rules: Sequence[AnyRule]) -> FileReport:
    """Return the report of a file whose content nobody looked at."""
    return report_of(FileView(path=path, data=None, obstacle=obstacle, obstacle_reason=reason), rules)


def refusal_status(obstacle: Obstacle) -> FileStatus:
    """Return the status that a file has which was not looked at."""
    match obstacle:
        case Obstacle.UNREADABLE:
            return FileStatus.UNREADABLE
        case Obstacle.TOO_LARGE:
            return FileStatus.TOO_LARGE
        case Obstacle.CRASHED:
            return FileStatus.LOOKED_AT


def _status(file: ProjectFile, view: FileView, data: bytes) -> FileStatus:
    """Return the status that content gives a file; one that the user named is looked at whatever it holds."""
    if view.python_2:
        return FileStatus.PYTHON_2
    if file.named or file.status is FileStatus.FIXTURE:
        return file.status
    return classify_content(data, view.fault.line if view.fault is not None else None) or file.status


def _as_note(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.NOTE, fix=None, data={**finding.data, "fixture": True})


def read_content(root: Path, path: str, wall_ns: Callable[[], int]) -> Content | Refused:
    """Read a regular file, never through a symbolic link and never waiting for a pipe."""
    place = os.path.join(root, path)
    began_ns = wall_ns()
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return Refused(Obstacle.UNREADABLE, error.strerror or str(error))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return Refused(Obstacle.UNREADABLE, "it is not a regular file")
        data = _all_of(descriptor, found.st_size)
    except OSError as error:
        return Refused(Obstacle.UNREADABLE, error.strerror or str(error))
    finally:
        os.close(descriptor)
    if len(data) > LARGEST_FILE:
        return Refused(Obstacle.TOO_LARGE, str(max(found.st_size, len(data))))
    settled = max(found.st_mtime_ns, found.st_ctime_ns) + SETTLED_NS < began_ns and len(data) == found.st_size
    return Content(data, FileStamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino), settled)


def _all_of(descriptor: int, size: int) -> bytes:
    """Return what an open file of about `size` bytes holds, at most a byte more than the largest file."""
    data = os.read(descriptor, min(size, LARGEST_FILE) + 1)
    if len(data) == size:
        # Less came than was asked for: nothing stands behind it.
        return data
    while len(data) <= LARGEST_FILE and (more := os.read(descriptor, LARGEST_FILE + 1 - len(data))):
        data += more
    return data
