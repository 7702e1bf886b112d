"""What the rules for the whole project say, for the files as they are on the disk or as a fix would make them."""

from __future__ import annotations

import os
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from sophia_cli.core.findings import Category, Finding, Region, Severity
from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.file_facts import facts_of_bytes
from sophia_cli.fixers.project_view import Past, ProjectView, view_of_project
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.selection import is_suppressed
from sophia_cli.fixers.syntax.compiler import uncollected
from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.dependencies.installed import Environment
from sophia_cli.project.imports.entry_points import entry_files
from sophia_cli.project.imports.modules import Listing
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.source import SourceText, decode

Read = Callable[[str], bytes | None]
"""Gives the bytes of a file of the project, None when it cannot be read."""

FindingsByPath = Mapping[str, tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class Survey:
    """The project as a whole: what every file says, ready to be asked what follows from it.

    `facts` holds those of all Python files; `read` gives bytes of files; `silent` are files on which nothing is
    reported (fixtures, generated code). `environment` is the one that the project's code runs in, None without one.
    `listing` gives the names in a folder of the disk.
    """

    rules: Sequence[ProjectRule]
    facts: Mapping[str, FileFacts]
    documents: Mapping[str, bytes]
    read: Read
    past: Past
    python: tuple[int, int]
    environment: Environment | None = None
    listing: Listing | None = None
    silent: frozenset[str] = frozenset()

    def findings(self, overlay: Mapping[str, bytes] | None = None, view: ProjectView | None = None) -> FindingsByPath:
        """Return what the rules find, by path, sorted; files in `overlay` have these bytes instead of their own.

        `view` is what `view(overlay)` gave, where that is known already.
        """
        view = view or self.view(overlay or {})
        found: dict[str, list[Finding]] = defaultdict(list)
        # Thousands of values that live until the end and no cycles: the collector would only walk them.
        with uncollected():
            for rule in self.rules:
                for finding in _checked(rule, view):
                    if finding.path not in self.silent:
                        found[finding.path].append(finding)
        kept = {path: tuple(self._unsuppressed(path, found[path], overlay or {})) for path in sorted(found)}
        return {path: findings for path, findings in kept.items() if findings}

    def _unsuppressed(self, path: str, findings: list[Finding], overlay: Mapping[str, bytes]) -> Iterator[Finding]:
        ordered = sorted(findings, key=lambda finding: finding.sort_key)
        data = overlay[path] if path in overlay else self.read(path)
        source = decode(data) if data is not None and b"sophia: ignore" in data else None
        if not isinstance(source, SourceText):
            yield from ordered
            return
        lines = source.lines
        yield from (finding for finding in ordered if not is_suppressed(lines, finding))

    def starting(self, services: Sequence[Service], view: ProjectView | None = None) -> frozenset[str] | None:
        """Return the files that these services start from and import, None where one of them cannot be told."""
        if not services:
            return None
        graph = (view or self.view({})).graph
        roots = [root.path for root in graph.roots if not root.applies_to]
        entries = [entry_files(service, self.facts, roots) for service in services]
        return graph.closure(path for found in entries for path in found) if all(entries) else None

    def view(self, overlay: Mapping[str, bytes]) -> ProjectView:
        """Return what the rules see."""
        documents = {path: overlay.get(path, data) for path, data in self.documents.items()}
        facts = self.facts
        changed = {path: data for path, data in overlay.items() if path not in documents}
        if changed:
            facts = {**facts, **{path: facts_of_bytes(path, data) for path, data in changed.items()}}
        return view_of_project(
            facts, documents, _Texts(self.read, overlay), self.past, self.python, self.environment, self.listing
        )


@dataclass(slots=True)
class _Texts:
    """Texts of files, each read once."""

    read: Read
    overlay: Mapping[str, bytes]
    known: dict[str, SourceText | None] = field(default_factory=dict)

    def text(self, path: str) -> SourceText | None:
        if path not in self.known:
            data = self.overlay[path] if path in self.overlay else self.read(path)
            source = decode(data) if data is not None else None
            self.known[path] = source if isinstance(source, SourceText) else None
        return self.known[path]


def _checked(rule: ProjectRule, view: ProjectView) -> Iterator[Finding]:
    try:
        yield from rule.check(view)
    except Exception as error:  # noqa: BLE001 - the runner around one rule: what it catches becomes a finding
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        path = min((*view.files, *view.documents), default=".")
        yield Finding(
            rule=rule.id,
            name=rule.name,
            category=Category.SUSPICIOUS,
            severity=Severity.ERROR,
            path=path,
            region=Region(1, 1, 1, 1),
            message=f"`{rule.name}` could not look at the project: {type(error).__name__} at {place}: {error}",
            data={"crashed": True},
        )
