"""The scan of a project: every file with its findings, and what is found in all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sophia_cli.commands.scanning.project import Project
from sophia_cli.commands.scanning.survey import ProjectSurvey
from sophia_cli.core.findings import Finding
from sophia_cli.core.report import Skipped
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.analysis import AnalysisContext, FileReport, analyse, with_findings
from sophia_cli.fixers.cut_off import cut_off_reason
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.scan_key import scan_key
from sophia_cli.fixers.scanner import FILE_LIMIT_S, Progress, ScannedFile, ScanOptions, ScanResult, scan_files
from sophia_cli.project.cache import ScanCache
from sophia_cli.project.dependencies.environment_place import find_environment
from sophia_cli.project.files.classify import PYTHON_SUFFIXES, FileStatus
from sophia_cli.project.history.repository import history_key
from sophia_cli.project.processors import usable_processors
from sophia_cli.project.state_folder import StateFolder

_FEW_BYTES = 100_000
_UNREPORTED = (FileStatus.LOOKED_AT, FileStatus.STATE)


@dataclass(frozen=True, slots=True)
class Scan:
    """A finished scan: every file with all its findings, and the contexts that broken files were analysed with (none
    where the cache had all their reports). `evidence` are the keys of what the reports of broken files rest on.

    What is not selected is in the reports too: fixes that stand or fall together may belong to several rules.
    """

    project: Project
    files: tuple[ScannedFile, ...]
    contexts: Mapping[str, AnalysisContext]
    survey: ProjectSurvey | None = None
    evidence: tuple[str, ...] = ()

    @property
    def history_stopped(self) -> str | None:
        """Why history was not read to the end for some broken file, None when it was."""
        keys = [context.evidence_key for context in self.contexts.values()]
        return cut_off_reason(keys or self.evidence)

    def findings_together(self, overlay: Mapping[str, bytes] | None = None) -> Mapping[str, tuple[Finding, ...]]:
        """Return what is found in all files together, by path, in the part of the project that was asked for.

        Files in `overlay` have these bytes instead of those on the disk.
        """
        found = {} if self.survey is None else self.survey.findings(overlay)
        return {path: findings for path, findings in found.items() if self.project.reports_on(path)}

    def reports(self) -> tuple[FileReport, ...]:
        """Return the reports of all files with findings of both kinds, documents included."""
        together = dict(self.findings_together())
        found = [with_findings(file.report, together.pop(file.report.path, ())) for file in self.files]
        return (*found, *(FileReport(path, findings, True, 0) for path, findings in together.items()))

    def starting(self) -> frozenset[str] | None:
        """Return the files that the declared services start from and import, None where that cannot be told."""
        return None if self.survey is None else self.survey.starting()

    @property
    def lines(self) -> int:
        """Lines of all files that were looked at."""
        return sum(file.report.lines for file in self.files if file.status is FileStatus.LOOKED_AT)

    @property
    def unparsable(self) -> int:
        """How many files that were looked at do not compile."""
        return sum(not file.report.compiles for file in self.files if file.status is FileStatus.LOOKED_AT)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was counted and left alone, by reason."""
        counts = Counter(file.status for file in self.files)
        counts.update({s: n for s, n in self.project.inventory.counts().items() if not s.is_reported})
        return tuple(Skipped(status.value, n) for status, n in sorted(counts.items(), key=_name) if _is_skipped(status))

    def with_contexts(self) -> Scan:
        """Return the scan with the contexts of all broken files, from one reading of history at most."""
        if self.contexts or not self.unparsable:
            return self
        from sophia_cli.fixers.contents import read_bytes

        broken = {}
        for file in self.files:
            if file.status is FileStatus.LOOKED_AT and not file.report.compiles:
                data = read_bytes(self.project.root, file.report.path)
                if data is not None:
                    broken[file.report.path] = data
        return replace(self, contexts=_with_history(self.project, broken))

    def analyse(self, path: str, data: bytes) -> FileReport:
        """Return the report of a file with other bytes than those on the disk."""
        context = self.contexts.get(path)
        if not path.endswith(PYTHON_SUFFIXES):
            return FileReport(path, (), True, 0)
        if context is None:
            context = AnalysisContext(python=self.project.python, named=path in self.project.named)
        return analyse(path, data, context, self.project.rules)

    def analyse_all(self, files: Sequence[tuple[str, bytes]]) -> Sequence[FileReport]:
        """Return the reports of files with other bytes, from all cores.

        A file whose analysis dies or takes too long counts as one that does not compile, so its fix does not stand.
        """
        from sophia_cli.fixers.worker import work_here, work_in_children

        def work(index: int) -> FileReport:
            return self.analyse(*files[index])

        if sum(len(data) for _, data in files) <= _FEW_BYTES:
            outcomes = work_here(work, len(files))
        else:
            chunks = [(index,) for index in range(len(files))]
            outcomes = work_in_children(work, chunks, usable_processors(), FILE_LIMIT_S)
        reports = {outcome.index: outcome.result for outcome in outcomes}
        return [reports.get(index) or FileReport(path, (), False, 0) for index, (path, _) in enumerate(files)]


def scan_project(project: Project, progress: Progress | None, *, together: bool = True) -> Scan:
    """Scan the project's files, from the cache where they have not changed.

    Files that were not asked for are only read for what they say to the others. With `together` false nothing is found
    in all files together, so that what they say need not be read.
    """
    files = project.whole.to_scan
    contexts: dict[str, AnalysisContext] = {}
    # A few named files are sooner read than the cache of a whole project.
    use_cache = not all(file.named for file in files)
    key = scan_key(project.rules, project.python)
    state = StateFolder(project.root)
    cache = ScanCache.open(state, key) if use_cache else None

    def broken_contexts(broken: Mapping[str, bytes]) -> Mapping[str, AnalysisContext]:
        contexts.update(_with_history(project, broken))
        return contexts

    result: ScanResult = scan_files(
        project.root,
        files,
        project.context_for,
        project.rules,
        cache=cache,
        broken_contexts=broken_contexts,
        progress=progress,
        options=ScanOptions(
            jobs=usable_processors(),
            repairs=lambda file: project.reports_on(file.path),
            facts=together,
            history_key=history_key(project.root),
        ),
    )
    if cache is not None:
        cache.save(project.whole.is_whole)
    survey = _survey(project, result, state if use_cache else None, key) if together else None
    asked_for = tuple(file for file in result.files if project.reports_on(file.report.path))
    return Scan(project, asked_for, contexts, survey, result.evidence)


def _survey(project: Project, result: ScanResult, state: StateFolder | None, key: str) -> ProjectSurvey:
    return ProjectSurvey(
        root=project.root,
        inventory=project.whole,
        files=result.files,
        facts=result.facts,
        rules=tuple(rule for rule in project.rules if isinstance(rule, ProjectRule)),
        python=project.python,
        history=history_key(project.root),
        services=project.settings.services,
        environment=find_environment(project.root, project.settings.project.python),
        state=state,
        key=key,
    )


def _with_history(project: Project, broken: Mapping[str, bytes]) -> Mapping[str, AnalysisContext]:
    from sophia_cli.fixers.history_evidence import evidence_for

    return evidence_for(project.root, broken).contexts(project.python, broken, project.named)


def _name(item: tuple[FileStatus, int]) -> str:
    return item[0].value


def _is_skipped(status: FileStatus) -> bool:
    return status not in _UNREPORTED
