"""Choosing fixes: which are made in a round, groups whole or none, overlaps decided the same way always."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from sophia_cli.core.findings import Edit, Finding, Safety
from sophia_cli.core.fix_report import UNSAFE_NEEDED
from sophia_cli.core.plan import ChangedFile, splice, titles_of
from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.rule import NO_FIX

SYNTAX_AREA = "SPH1"


class Answer(Enum):
    """What a person says to one proposed fix."""

    YES = "yes"
    NO = "no"
    ALL = "all"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Unit:
    """Fixes of one round that are made all or none, with their edits over the text of that round."""

    findings: tuple[Finding, ...]
    edits: tuple[Edit, ...]

    @property
    def title(self) -> str:
        """The titles of its fixes, in one line."""
        return titles_of(self.findings)

    @property
    def paths(self) -> frozenset[str]:
        """The files that it changes."""
        return frozenset(edit.path for edit in self.edits)

    def edits_in(self, path: str) -> tuple[Edit, ...]:
        """The edits in one file."""
        return tuple(edit for edit in self.edits if edit.path == path)

    def change_of(self, path: str, data: bytes) -> ChangedFile:
        """Return what it alone does to a file that holds `data`."""
        edits = self.edits_in(path)
        return ChangedFile(path, data, splice(data, edits), edits)


@dataclass(frozen=True, slots=True)
class Turn:
    """Which question this is, from 1, of how many that are known by now: a later round may bring more."""

    number: int
    count: int


def _every(finding: Finding) -> bool:
    return True


def _none(finding: Finding) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be applied: safe fixes, unsafe ones too when `unsafe`, of the findings that `wants` accepts.

    `blocked` holds why files cannot be written, by path. `asked_for` tells of fixes that are unsafe and that the user
    asked for by a flag of their own.
    """

    unsafe: bool = False
    wants: Callable[[Finding], bool] = _every
    blocked: Mapping[str, str] = field(default_factory=dict)
    asked_for: Callable[[Finding], bool] = _none

    def objection(self, finding: Finding) -> str | None:
        """Return why this finding's fix may not be applied, None when it may."""
        fix = finding.fix
        if fix is None:
            return NO_FIX
        if fix.safety is Safety.MANUAL or not fix.edits:
            return "needs a decision by a person"
        if not self.wants(finding):
            return f"belongs to a fix of {finding.rule}, which is not selected"
        barred = next((self.blocked[edit.path] for edit in fix.edits if edit.path in self.blocked), None)
        if barred is None and fix.safety is Safety.UNSAFE and not (self.unsafe or self.asked_for(finding)):
            return UNSAFE_NEEDED
        return barred


@dataclass(frozen=True, slots=True)
class Choice:
    """What one round does: the units, and for other findings with a fix the reason why it waits or is left out."""

    units: tuple[Unit, ...]
    reasons: tuple[tuple[Finding, str], ...]


def candidates(findings: Iterable[Finding], broken: frozenset[str], policy: Policy) -> Choice:
    """Return every unit that the policy allows. In a file that is `broken` only syntax fixes come up."""
    members: dict[str, list[Finding]] = {}
    for index, finding in enumerate(findings):
        group = finding.fix.group if finding.fix is not None else None
        members.setdefault(f"g{group}" if group is not None else f"i{index}", []).append(finding)
    units: list[Unit] = []
    reasons: list[tuple[Finding, str]] = []
    for group_members in members.values():
        objection = next((why for f in group_members if (why := _objection(f, broken, policy)) is not None), None)
        if objection is None:
            edits = dict.fromkeys(edit for f in group_members if f.fix is not None for edit in f.fix.edits)
            units.append(Unit(tuple(group_members), tuple(edits)))
        else:
            reasons += [(finding, _objection(finding, broken, policy) or objection) for finding in group_members]
    return Choice(tuple(sorted(units, key=_rank)), tuple(reasons))


def without_overlaps(units: Sequence[Unit], sizes: Mapping[str, int]) -> Choice:
    """Return the units that can be made together; of two that overlap the first in `units` stays.

    `sizes` holds the length of every file: a unit with an edit beyond it, or with edits that overlap each other, is
    left out.
    """
    taken: dict[str, list[tuple[int, int]]] = {}
    chosen: list[Unit] = []
    reasons: list[tuple[Finding, str]] = []
    for unit in units:
        if not _is_sound(unit, sizes):
            reasons += [(finding, "its edits do not fit the file") for finding in unit.findings]
        elif any(_collides(taken.get(edit.path, []), edit) for edit in unit.edits):
            reasons += [(finding, "its fix overlaps another one") for finding in unit.findings]
        else:
            for edit in unit.edits:
                insort(taken.setdefault(edit.path, []), (edit.start, edit.end))
            chosen.append(unit)
    return Choice(tuple(sorted(chosen, key=_position)), tuple(reasons))


def approved(
    units: Sequence[Unit], ask: Callable[[Unit, Turn], Answer], asked: int = 0
) -> tuple[list[Unit], list[Unit], Answer]:
    """Ask about each unit; return those accepted, those declined, and the last answer (ALL and QUIT end the asking).

    `asked` are the questions of the rounds before.
    """
    accepted: list[Unit] = []
    declined: list[Unit] = []
    answer = Answer.YES
    for number, unit in enumerate(units, start=asked + 1):
        if answer not in (Answer.ALL, Answer.QUIT):
            answer = ask(unit, Turn(number, asked + len(units)))
        (accepted if answer in (Answer.YES, Answer.ALL) else declined).append(unit)
    return accepted, declined, answer


def _objection(finding: Finding, broken: frozenset[str], policy: Policy) -> str | None:
    objection = policy.objection(finding)
    if objection is None and finding.path in broken and not finding.rule.startswith(SYNTAX_AREA):
        return "waits until the file parses"
    return objection


def _rank(unit: Unit) -> tuple[int, float, tuple[str, int, str]]:
    """Safe before unsafe, confident before doubtful, then by place: the same input gives the same choice."""
    fixes = [finding.fix for finding in unit.findings if finding.fix is not None]
    return (max(fix.safety.rank for fix in fixes), -min(fix.confidence for fix in fixes), _position(unit))


def _position(unit: Unit) -> tuple[str, int, str]:
    first = min(unit.edits, key=lambda e: (e.path, e.start))
    return (first.path, first.start, unit.findings[0].rule)


def _is_sound(unit: Unit, sizes: Mapping[str, int]) -> bool:
    position: dict[str, int] = {}
    for edit in sorted(unit.edits, key=lambda e: (e.path, e.start, e.end)):
        size = sizes.get(edit.path)
        if size is None or not position.get(edit.path, 0) <= edit.start <= edit.end <= size:
            return False
        position[edit.path] = edit.end
    return True


def _collides(taken: list[tuple[int, int]], edit: Edit) -> bool:
    """Tell whether an edit overlaps a range, or one is an insertion at the border of the other (order unclear)."""
    at = bisect_left(taken, (edit.start, edit.end))
    for start, end in taken[max(0, at - 2) : at + 2]:
        if start < edit.end and edit.start < end:
            return True
        touches = start <= edit.end and edit.start <= end
        if touches and (start == end or edit.start == edit.end):
            return True
    return False
