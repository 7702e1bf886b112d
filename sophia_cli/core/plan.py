"""A plan: what a run does to files, as values. A dry run prints the very object that is executed."""

from __future__ import annotations

from collections.abc import Iterable

from sophia_cli.core.findings import Edit, Finding
from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Original:
    """One file as it was before the run; one that does not exist has no bytes, and is created when a step edits it."""

    path: str
    data: bytes
    exists: bool = True


@dataclass(frozen=True, slots=True)
class PlannedFix:
    """A finding whose fix the plan makes. `line` is where it stands in the original, from 1.

    The finding's own region counts in the text of its round, after the fixes of earlier rounds.
    """

    finding: Finding
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """Fixes that stand or fall together, and their edits over the originals."""

    number: int
    fixes: tuple[PlannedFix, ...]
    edits: tuple[Edit, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings that its fixes answer."""
        return tuple(fix.finding for fix in self.fixes)

    @property
    def title(self) -> str:
        """The titles of its fixes, in one line."""
        return titles_of(self.findings)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it changes."""
        return tuple(sorted({edit.path for edit in self.edits}))


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file before and after, and the edits between the two; `is_created` tells that it was not there."""

    path: str
    before: bytes
    after: bytes
    edits: tuple[Edit, ...]
    is_created: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a run and the files they start from. Steps touch disjoint bytes: any subset can be executed."""

    originals: tuple[Original, ...]
    steps: tuple[Step, ...]

    def changes(self) -> tuple[ChangedFile, ...]:
        """Return every file that differs once all steps are done, by path."""
        edits_of: dict[str, list[Edit]] = {}
        for step in self.steps:
            for edit in step.edits:
                edits_of.setdefault(edit.path, []).append(edit)
        changed: list[ChangedFile] = []
        for original in sorted(self.originals, key=lambda o: o.path):
            edits = tuple(sorted(edits_of.get(original.path, []), key=lambda e: (e.start, e.end)))
            after = splice(original.data, edits)
            is_created = bool(edits) and not original.exists
            if after != original.data or is_created:
                changed.append(ChangedFile(original.path, original.data, after, edits, is_created))
        return tuple(changed)

    def only(self, steps: Iterable[Step]) -> Plan:
        """Return the plan with these steps and no others, in their order."""
        wanted = {step.number for step in steps}
        return Plan(self.originals, tuple(step for step in self.steps if step.number in wanted))


def titles_of(findings: Iterable[Finding]) -> str:
    """Return the titles of the findings' fixes in one line, each once."""
    return "; ".join(dict.fromkeys(finding.fix.title for finding in findings if finding.fix is not None))


def splice(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return `data` with the edits made; they must not overlap (ValueError)."""
    pieces: list[bytes] = []
    position = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start < position or edit.end < edit.start or edit.end > len(data):
            raise ValueError(f"edits overlap or leave the file at byte {edit.start}")
        pieces += (data[position : edit.start], edit.replacement)
        position = edit.end
    pieces.append(data[position:])
    return b"".join(pieces)
