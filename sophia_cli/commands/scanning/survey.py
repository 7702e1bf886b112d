"""What is found in all files of a project together: from the cache where nothing changed, else worked out."""

from __future__ import annotations

import gc
import zlib
from collections.abc import Mapping
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING

from sophia_cli.core.findings import Finding
from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.analysis import FileReport
from sophia_cli.fixers.codec import report_from_values, report_to_values
from sophia_cli.fixers.examine import Content, read_content
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.scan_key import facts_key
from sophia_cli.fixers.scanner import ScannedFile
from sophia_cli.fixers.syntax.compiler import uncollected
from sophia_cli.project.cache_file import Values
from sophia_cli.project.facts_cache import FactsCache, ProjectResult, read_result, write_result
from sophia_cli.project.files.classify import PYTHON_SUFFIXES, FileStatus
from sophia_cli.project.files.inventory import Inventory
from sophia_cli.project.files.listing import Listings, still_so
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.state_folder import StateFolder

if TYPE_CHECKING:
    from sophia_cli.fixers.project_view import ProjectView
    from sophia_cli.fixers.survey import Survey
    from sophia_cli.project.code.file_facts import FileFacts
    from sophia_cli.project.dependencies.environment_place import EnvironmentPlace

FindingsByPath = Mapping[str, tuple[Finding, ...]]


@dataclass(slots=True)
class ProjectSurvey:
    """Answers what the rules for the whole project find; reads and works out only what an answer needs.

    `files` are all files of the inventory that were scanned, `facts` the values of those that were read just now, `key`
    names the state of Sophia, `history` that of git, `environment` is where the project's own is. Nothing is cached
    without `state`.
    """

    root: Path
    inventory: Inventory
    files: tuple[ScannedFile, ...]
    facts: Mapping[str, Values]
    rules: tuple[ProjectRule, ...]
    python: tuple[int, int]
    history: str
    environment: EnvironmentPlace | None
    state: StateFolder | None
    key: str
    services: tuple[Service, ...] = ()
    _first: tuple[FindingsByPath, frozenset[str] | None] | None = None
    _survey: Survey | None = None
    _listings: Listings | None = None
    _documents: dict[str, bytes] = field(default_factory=dict)

    def findings(self, overlay: Mapping[str, bytes] | None = None) -> FindingsByPath:
        """Return the findings by path, with the bytes of `overlay` instead of those on the disk."""
        if overlay:
            return self._worked_out().findings(overlay)
        return self._on_disk()[0]

    def view(self, overlay: Mapping[str, bytes]) -> ProjectView:
        """Return what the rules for the whole project see, with the bytes of `overlay` instead of those on the disk."""
        return self._worked_out().view(overlay)

    def starting(self) -> frozenset[str] | None:
        """Return the files that the declared services start from and import, None where no service tells."""
        return self._on_disk()[1] if self.services else None

    def _on_disk(self) -> tuple[FindingsByPath, frozenset[str] | None]:
        if self._first is None:
            self._first = self._remembered()
        return self._first

    def _remembered(self) -> tuple[FindingsByPath, frozenset[str] | None]:
        """Return the findings, and the files that services start, for the files on the disk."""
        self._read_documents()
        project_state = self._state_of_project()
        if self.state is not None:
            known = read_result(self.state, self.key, project_state)
            found = _decoded(known.found) if known is not None and still_so(self.root, known.listed) else None
            if known is not None and found is not None:
                return found, known.starting
        with uncollected():
            survey = self._worked_out()
            view = survey.view({})
            found, starting = survey.findings(view=view), survey.starting(self.services, view)
            # All of it lives on: it counts as old, or the collector would go through it as soon as it is back.
            gc.freeze()
            gc.unfreeze()
        if self.state is not None:
            result = ProjectResult(_encoded(found), starting, self._listings.seen if self._listings else ())
            write_result(self.state, self.key, project_state, result)
        return found, starting

    def _state_of_project(self) -> str:
        """Return what the findings depend on, in short: every file's content, every document, what lies around."""
        lines = [f"{file.report.path} {file.status.value} {file.digest}" for file in self.files]
        lines += [f"{file.path} {file.status.value}" for file in self.inventory.files]
        # Sophia's own folder comes and goes with the cache that this is for.
        folders = (folder for folder in self.inventory.folders if folder.status is not FileStatus.STATE)
        lines += [f"{folder.path} {folder.status.value}" for folder in folders]
        lines += [f"{path} {len(data)} {zlib.crc32(data):08x}" for path, data in self._documents.items()]
        text = "\n".join(lines).encode("utf-8", "surrogateescape")
        around = f"{self.python} {self.history} {self.environment.stamp if self.environment else None}"
        return f"{around} {len(lines)} {zlib.crc32(text):08x} {zlib.adler32(text):08x}"

    def _read_documents(self) -> None:
        if not self._documents:
            for document in self.inventory.documents:
                data = self._bytes(document.path)
                if data is not None:
                    self._documents[document.path] = data

    def _worked_out(self) -> Survey:
        if self._survey is None:
            from sophia_cli.fixers.survey import Survey
            from sophia_cli.project.dependencies.environment import read_environment
            from sophia_cli.project.history.moves import FilePast

            self._read_documents()
            self._listings = Listings(self.root)
            self._survey = Survey(
                rules=self.rules,
                facts=self._all_facts(),
                documents=self._documents,
                read=self._bytes,
                past=FilePast(self.root),
                python=self.python,
                environment=None if self.environment is None else read_environment(self.environment),
                listing=self._listings.names,
                silent=frozenset(f.report.path for f in self.files if f.status is not FileStatus.LOOKED_AT),
            )
        return self._survey

    def _bytes(self, path: str) -> bytes | None:
        """Return what a file holds; None where it cannot be read or is none of the project's own."""
        content = read_content(self.root, path, time_ns)
        return content.data if isinstance(content, Content) else None

    def _all_facts(self) -> dict[str, FileFacts]:
        """Return what every file says: read just now, from the cache, or else from the file."""
        from sophia_cli.fixers.file_facts import facts_of_bytes, unread_facts
        from sophia_cli.project.code.codec import facts_from_values, facts_to_values

        cache = FactsCache(self.state, facts_key(self.python)) if self.state is not None else None
        found: dict[str, FileFacts] = {}
        kept: dict[str, tuple[str, Values]] = {}
        for file in self.files:
            path = file.report.path
            values = self.facts.get(path)
            if values is None and cache is not None and file.digest:
                values = cache.facts(path, file.digest)
            facts = None if values is None else facts_from_values(path, values)
            if facts is None and file.digest:
                data = self._bytes(path)
                facts = None if data is None else facts_of_bytes(path, data)
                values = None if facts is None else facts_to_values(facts)
            found[path] = unread_facts(path) if facts is None else facts
            if values is not None:
                kept[path] = (file.digest, values)
        if cache is not None:
            cache.save(kept)
        others = (file.path for file in self.inventory.files if file.path not in found)
        return {**found, **{path: unread_facts(path) for path in others if path.endswith(PYTHON_SUFFIXES)}}


def _encoded(found: FindingsByPath) -> dict[str, list[Values]]:
    return {path: [report_to_values(FileReport(path, findings, True, 0))] for path, findings in found.items()}


def _decoded(known: Mapping[str, Values]) -> FindingsByPath | None:
    found: dict[str, tuple[Finding, ...]] = {}
    for path, values in known.items():
        match values:
            case [report]:
                read = report_from_values(path, report)
                if read is None:
                    return None
                found[path] = read.findings
            case _:
                return None
    return found
