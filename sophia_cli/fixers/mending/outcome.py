"""What became of each finding: fixed, still there and why, or revealed by the fixes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import assert_never

from sophia_cli.core.findings import Finding
from sophia_cli.core.plan import Plan, PlannedFix
from sophia_cli.core.report import ReportedFinding
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.mending.compose import LineMap, OwnedEdit
from sophia_cli.fixers.mending.verify import Version


@dataclass(slots=True)
class _Entry:
    """One reported finding while it is being matched; `line` counts in the original."""

    finding: Finding
    line: int
    applied: bool = False
    now: Finding | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A finding and the line of the original that it stands on."""

    finding: Finding
    line: int


class _Agreement(Enum):
    """How two findings are recognised as the same one, the surest way first; the same words elsewhere do not count."""

    EXACT = "exact"
    PLACE = "place"

    def key(self, finding: Finding, line: int) -> tuple[str, int, str]:
        """Return what must be equal; `line` counts in the original."""
        match self:
            case _Agreement.EXACT:
                return (finding.rule, line, finding.message)
            case _Agreement.PLACE:
                return (finding.rule, line, "")
        assert_never(self)


def outcome(
    before: Sequence[Version], after: Sequence[Version], plan: Plan, why: Callable[[Finding], str | None]
) -> tuple[ReportedFinding, ...]:
    """Return every finding of the files before the run and every one that the run revealed, in order.

    `before` and `after` hold the same files; `plan` leads from one to the other. `why` gives the reason why a finding
    of `after` remains.
    """
    fixes: dict[str, list[PlannedFix]] = defaultdict(list)
    for step in plan.steps:
        for fix in step.fixes:
            fixes[fix.finding.path].append(fix)
    edits = {change.path: change.edits for change in plan.changes()}
    ends = {version.report.path: version for version in after}
    reported: list[ReportedFinding] = []
    for start in before:
        path = start.report.path
        entries = [_Entry(finding, finding.region.line) for finding in start.report.findings]
        end = ends[path]
        # A finding may be answered by a change of another file.
        _match(entries, [_Seen(fix.finding, fix.line) for fix in fixes[path]], _set_applied)
        owned = [OwnedEdit(e.start, e.end, e.replacement, frozenset()) for e in edits.get(path, ())]
        lines = LineMap(start.data, end.data, owned) if owned else None
        seen = [_Seen(f, f.region.line if lines is None else lines.before(f.region.line)) for f in end.report.findings]
        _match(entries, seen, _set_now)
        text = _Shown(end.data)
        reported += [_reported(entry, text, why) for entry in entries]
    return tuple(sorted(reported, key=lambda item: item.finding.sort_key))


class _Shown:
    """Lines of one file as text for display; the file is split once, a line that many findings share is held once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lines: list[bytes] | None = None
        self._known: dict[int, str] = {}

    def line(self, number: int) -> str | None:
        """Return a line (from 1), None when the file does not have it."""
        if self._lines is None:
            self._lines = self._data.split(b"\n")
        if not 1 <= number <= len(self._lines):
            return None
        if number not in self._known:
            self._known[number] = self._lines[number - 1].rstrip(b"\r").decode("utf-8", "replace")
        return self._known[number]


def _reported(entry: _Entry, end: _Shown, why: Callable[[Finding], str | None]) -> ReportedFinding:
    if entry.now is None:
        return ReportedFinding(entry.finding, None, entry.applied)
    reason = "its fix was made and it is still reported" if entry.applied else why(entry.now)
    shown = end.line(entry.now.region.line)
    return ReportedFinding(entry.finding, entry.now, entry.applied, reason, shown)


def _set_applied(entry: _Entry, finding: Finding) -> None:
    entry.applied = True
    if entry.finding.fix is None:
        # What mends it was only seen once something else was mended.
        entry.finding = replace(entry.finding, fix=finding.fix)


def _set_now(entry: _Entry, finding: Finding) -> None:
    entry.now = replace(finding, revealed=entry.finding.revealed)


def _match(entries: list[_Entry], seen: Sequence[_Seen], note: Callable[[_Entry, Finding], None]) -> None:
    """Give each seen finding to the entry it is, best agreement first; what fits none becomes a revealed entry."""
    taken: set[int] = set()
    left = list(seen)
    for agreement in _Agreement:
        free: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        for index in reversed(range(len(entries))):
            if index not in taken:
                free[agreement.key(entries[index].finding, entries[index].line)].append(index)
        unmatched: list[_Seen] = []
        for item in left:
            candidates = free.get(agreement.key(item.finding, item.line))
            if candidates:
                index = candidates.pop()
                taken.add(index)
                note(entries[index], item.finding)
            else:
                unmatched.append(item)
        left = unmatched
    for item in left:
        entry = _Entry(replace(item.finding, revealed=True), item.line)
        note(entry, item.finding)
        entries.append(entry)


def findings_of(versions: Iterable[Version]) -> tuple[Finding, ...]:
    """Return the findings of all versions, in their order."""
    return tuple(finding for version in versions for finding in version.report.findings)
