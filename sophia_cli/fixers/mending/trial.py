"""Trying fixes on one file in memory: what the analysis says about the text they make."""

from __future__ import annotations

from collections.abc import Sequence, Set
from hashlib import sha256
from typing import Protocol

from sophia_cli.core.plan import splice
from sophia_cli.fixers.analysis import FileReport
from sophia_cli.fixers.mending.choosing import Unit
from sophia_cli.fixers.mending.compose import OwnedEdit
from sophia_cli.fixers.mending.verify import Version, objection


class Analyse(Protocol):
    """Gives the findings for one file's bytes; the same bytes always give the same report."""

    def __call__(self, path: str, data: bytes, /) -> FileReport: ...


class AnalyseAll(Protocol):
    """Does what `Analyse` does for many files at once, in their order."""

    def __call__(self, files: Sequence[tuple[str, bytes]], /) -> Sequence[FileReport]: ...


class RememberedAnalysis:
    """An analysis that answers from memory for bytes it has just seen: what was tried is what is made."""

    def __init__(self, analyse: Analyse, analyse_all: AnalyseAll | None) -> None:
        self._analyse = analyse
        self._analyse_all = analyse_all
        self._reports: dict[tuple[str, bytes], FileReport] = {}

    def __call__(self, path: str, data: bytes) -> FileReport:
        key = (path, digest(data))
        if key not in self._reports:
            self._reports[key] = self._analyse(path, data)
        return self._reports[key]

    def prepare(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Analyse these files together, where that is possible."""
        if self._analyse_all is not None:
            for (path, data), report in zip(files, self._analyse_all(files), strict=True):
                self._reports[path, digest(data)] = report

    def forget(self) -> None:
        """Drop what was seen: the next round has other texts."""
        self._reports.clear()


class Trial:
    """Tries sets of units on one file and remembers why a set was refused."""

    def __init__(self, current: Version, seen: Set[bytes], analyse: Analyse) -> None:
        self._current = current
        self._seen = seen
        self._analyse = analyse
        self._reasons: dict[int, str] = {}

    def is_good(self, units: Sequence[Unit]) -> bool:
        """Tell whether the file with these units made is no worse than without any."""
        edits = [edit for unit in units for edit in unit.edits_in(self._current.report.path)]
        data = splice(self._current.data, edits)
        reason = self._objection(data, tuple(OwnedEdit(e.start, e.end, e.replacement, frozenset()) for e in edits))
        if reason is not None:
            self._reasons[id(units[-1])] = reason
        return reason is None

    def reason_for(self, unit: Unit) -> str:
        """Return why a set that ended with this unit was refused."""
        return self._reasons[id(unit)]

    def _objection(self, data: bytes, edits: tuple[OwnedEdit, ...]) -> str | None:
        if digest(data) in self._seen:
            return "the file would be what it was before"
        ordered = tuple(sorted(edits, key=lambda e: (e.start, e.end)))
        return objection(self._current, Version(data, self._analyse(self._current.report.path, data)), ordered)


def digest(data: bytes) -> bytes:
    """Return what tells contents apart."""
    return sha256(data).digest()
