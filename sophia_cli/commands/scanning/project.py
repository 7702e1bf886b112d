"""The project that a command works on: root, settings, rules and files, and their scan."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from sophia_cli.commands.scanning.survey import ProjectSurvey
from sophia_cli.core.errors import UsageError
from sophia_cli.core.findings import Finding
from sophia_cli.core.report import Skipped
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.analysis import AnalysisContext, FileReport, analyse, with_findings
from sophia_cli.fixers.cut_off import cut_off_reason
from sophia_cli.fixers.rule import AnyRule, ProjectRule
from sophia_cli.fixers.scan_key import scan_key
from sophia_cli.fixers.scanner import FILE_LIMIT_S, Progress, ScannedFile, ScanOptions, ScanResult, scan_files
from sophia_cli.fixers.selection import select_rules, without_path_ignored
from sophia_cli.project.cache import ScanCache
from sophia_cli.project.dependencies.environment_place import find_environment
from sophia_cli.project.files.classify import PYTHON_SUFFIXES, FileStatus
from sophia_cli.project.files.discover import discover
from sophia_cli.project.files.inventory import Inventory, ProjectFile
from sophia_cli.project.history.repository import history_key
from sophia_cli.project.processors import usable_processors
from sophia_cli.project.python_version import project_python
from sophia_cli.project.root import find_root, is_root, left_behind
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.model import Settings
from sophia_cli.project.state_folder import StateFolder

_FEW_BYTES = 100_000
_UNREPORTED = (FileStatus.LOOKED_AT, FileStatus.STATE)


@dataclass(frozen=True, slots=True)
class Project:
    """A project and the part of it that a command was asked to look at.

    All rules of files run, so one cache serves every selection; `selected` are the ids of the rules that are reported,
    `named` the files that the user named one by one. `whole` is the inventory of the whole project, which may be more
    than `inventory`, the part that was asked for.
    """

    root: Path
    settings: Settings
    rules: tuple[AnyRule, ...]
    selected: frozenset[str]
    inventory: Inventory
    whole: Inventory
    named: frozenset[str]
    asked_for: frozenset[str]
    python: tuple[int, int]

    def context_for(self, file: ProjectFile) -> AnalysisContext:
        """Return what the analysis of a file may know."""
        return AnalysisContext(python=self.python, named=file.named)

    def reported(self, report: FileReport) -> FileReport:
        """Return the report without the findings that the selection or the settings leave out."""
        findings = [finding for finding in report.findings if finding.rule in self.selected]
        kept = without_path_ignored(self.rules, findings, self.settings.rules.per_path)
        return report if len(kept) == len(report.findings) else replace(report, findings=kept)

    @property
    def file_rules(self) -> frozenset[str]:
        """The ids of the rules that look at one file."""
        return frozenset(rule.id for rule in self.rules if not isinstance(rule, ProjectRule))

    @property
    def looks_at_files_together(self) -> bool:
        """Whether a report needs more than each file by itself: a rule of all files is selected, or the grade asks
        what the declared services start from."""
        return not self.selected <= self.file_rules or bool(self.settings.services)

    def reports_on(self, path: str) -> bool:
        """Tell whether a file lies in the part that was asked for."""
        return self.inventory.is_whole or path in self.asked_for

    def wants(self, finding: Finding) -> bool:
        """Tell whether a finding is one that is reported."""
        if finding.rule not in self.selected:
            return False
        return bool(without_path_ignored(self.rules, [finding], self.settings.rules.per_path))


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


def open_project(
    paths: Sequence[Path], rules: tuple[AnyRule, ...], select: Sequence[str], ignore: Sequence[str]
) -> Project:
    """Return the project that holds the paths (the current folder when there are none).

    UsageError when a path does not exist (`path-missing`), lies in another project or is led out of its own by a link
    (`path-outside`), and for settings and selectors that cannot be.
    """
    targets = list(paths) or [Path()]
    for path in targets:
        if not os.path.lexists(path):
            raise UsageError("path-missing", f"`{path}` does not exist", hint="check the spelling of the path")
        left = left_behind(path)
        if left is not None:
            raise UsageError(
                "path-outside",
                f"a symbolic link leads from `{path}` to `{path.resolve()}`, out of the project `{left}`",
                hint="name the file or folder that is meant by its own path",
            )
    root = find_root(targets[0])
    settings = load_settings(root)
    _check_selectors(rules, settings)
    chosen = select_rules(rules, tuple(select) or settings.rules.select, (*settings.rules.ignore, *ignore))
    inventory = discover(root, targets, settings.project.include, settings.project.exclude)
    running = (sys.version_info.major, sys.version_info.minor)
    python = project_python(root, running, settings.project.python_version)
    return Project(
        root=root,
        settings=settings,
        rules=rules,
        selected=frozenset(rule.id for rule in chosen),
        inventory=inventory,
        whole=_whole(root, inventory, settings),
        named=frozenset(file.path for file in inventory.files if file.named),
        asked_for=frozenset(file.path for file in (*inventory.files, *inventory.documents)),
        python=python,
    )


def _check_selectors(rules: Sequence[AnyRule], settings: Settings) -> None:
    """Raise UsageError (`unknown-rule`), with the settings file, for a selector there that fits no rule."""
    per_path = tuple(selector for item in settings.rules.per_path for selector in item.ignore)
    try:
        select_rules(rules, settings.rules.select, (*settings.rules.ignore, *per_path))
    except UsageError as error:
        error.location = settings.source
        raise


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


def _whole(root: Path, inventory: Inventory, settings: Settings) -> Inventory:
    """Return the inventory of the whole project; a file in no project has nothing around it that matters."""
    if inventory.is_whole or not is_root(root):
        return inventory
    whole = discover(root, (), settings.project.include, settings.project.exclude)
    asked_for = {file.path: file for file in inventory.files}
    known = {file.path: file for file in whole.files} | asked_for
    return replace(whole, files=tuple(known[path] for path in sorted(known)))


def _with_history(project: Project, broken: Mapping[str, bytes]) -> Mapping[str, AnalysisContext]:
    from sophia_cli.fixers.history_evidence import evidence_for

    return evidence_for(project.root, broken).contexts(project.python, broken, project.named)


def _name(item: tuple[FileStatus, int]) -> str:
    return item[0].value


def _is_skipped(status: FileStatus) -> bool:
    return status not in _UNREPORTED
