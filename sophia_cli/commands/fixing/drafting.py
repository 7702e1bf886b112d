"""Working fixes out: the scan of a project, and the plan that mends what the request allows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from sophia_cli.commands.command_line.progress import ProgressLine
from sophia_cli.commands.scanning.project import Project
from sophia_cli.commands.scanning.scan import Scan, scan_project
from sophia_cli.core.findings import Finding
from sophia_cli.core.plan import Plan
from sophia_cli.core.report import FailOn
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.contents import has_several_links, read_bytes, why_unwritable
from sophia_cli.fixers.mending.choosing import Policy
from sophia_cli.fixers.mending.execute import unwritable
from sophia_cli.fixers.mending.outcome import findings_of
from sophia_cli.fixers.mending.rounds import Ask, Draft, draft_fixes
from sophia_cli.fixers.mending.stubs import is_stub, with_stubs
from sophia_cli.fixers.mending.verify import Version
from sophia_cli.fixers.scanner import ScannedFile


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for."""

    paths: tuple[Path, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    unsafe: bool = False
    dry_run: bool = False
    fail_on: FailOn = FailOn.ERROR
    check: str | None = None
    check_timeout_s: float = 600.0
    wait_s: float = 10.0
    quiet: bool = False
    install: bool = False
    stub: bool = False
    allow_build: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a scan found and the plan that mends it. `linked` are files of the plan that have several hard links."""

    scan: Scan
    draft: Draft
    linked: frozenset[str]

    @property
    def plan(self) -> Plan:
        """What would be done."""
        return self.draft.plan


def draft(request: Request, project: Project, progress: ProgressLine, ask: Ask | None) -> Drafted:
    """Scan the project and work out what fixes what the request allows; nothing is written."""
    scan = scan_project(project, progress.files).with_contexts()
    versions = [_version(scan, file) for file in scan.files if file.report.findings]
    together = _InPart(scan, request.stub)
    shared = [finding for findings in together.findings({}).values() for finding in findings]
    findings = (*findings_of(versions), *shared)
    policy = Policy(
        unsafe=request.unsafe,
        wants=project.wants,
        blocked=unwritable(findings, lambda path: why_unwritable(project.root, path)),
        asked_for=is_stub if request.stub else lambda finding: False,
    )
    drafted = draft_fixes(
        versions,
        scan.analyse,
        policy,
        analyse_all=scan.analyse_all,
        survey=together,
        load=lambda path: _loaded(scan, path),
        ask=ask,
        on_round=lambda number, count: progress.say(f"round {number}: trying {count} fixes"),
    )
    changed = (original.path for original in drafted.plan.originals)
    return Drafted(scan, drafted, frozenset(path for path in changed if has_several_links(project.root, path)))


@dataclass(frozen=True, slots=True)
class _InPart:
    """What is found in all files together, in the part of the project that was asked for."""

    scan: Scan
    stub: bool

    def findings(self, overlay: Mapping[str, bytes]) -> Mapping[str, tuple[Finding, ...]]:
        found = self.scan.findings_together(overlay)
        if not self.stub or self.scan.survey is None:
            return found
        return with_stubs(found, self.scan.survey.view(overlay), self._may_have_stub)

    def _may_have_stub(self, finding: Finding, paths: Iterable[str]) -> bool:
        root = self.scan.project.root
        return self.scan.project.wants(finding) and all(why_unwritable(root, path) is None for path in paths)


def _loaded(scan: Scan, path: str) -> Version:
    """Return a file that has no finding of its own; one that cannot be read has no bytes."""
    known = next((file for file in scan.files if file.report.path == path), None)
    if known is not None:
        return _version(scan, known)
    data = read_bytes(scan.project.root, path) or b""
    return Version(data, scan.analyse(path, data), exists=os.path.lexists(scan.project.root / path))


def _version(scan: Scan, file: ScannedFile) -> Version:
    """Return a file's bytes with its report; analysed again when it changed since the scan."""
    from hashlib import sha256

    path = file.report.path
    data = read_bytes(scan.project.root, path)
    if data is None:
        return Version(b"", replace(file.report, findings=tuple(replace(f, fix=None) for f in file.report.findings)))
    if file.digest and sha256(data).hexdigest() != file.digest:
        return Version(data, scan.analyse(path, data))
    return Version(data, file.report)
