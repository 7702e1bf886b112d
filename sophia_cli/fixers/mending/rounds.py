"""Rounds of fixes, worked out in memory: what comes out is a plan in which every step was verified.

Nothing is written here. Each round chooses fixes, tries them on the text that the rounds before left, and drops those
that make a file worse, so a spoiled file never reaches the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Protocol

from sophia_cli.core.findings import Finding
from sophia_cli.core.fix_report import TakenBack
from sophia_cli.core.plan import ChangedFile, Original, Plan, PlannedFix, splice
from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.analysis import with_findings
from sophia_cli.fixers.mending.bisect import split_good
from sophia_cli.fixers.mending.choosing import Answer, Policy, Turn, Unit, approved, candidates, without_overlaps
from sophia_cli.fixers.mending.compose import LineMap, OwnedEdit, compose, original_offset
from sophia_cli.fixers.mending.steps import steps_of
from sophia_cli.fixers.mending.together import FindingsByPath, Surveyor, Together
from sophia_cli.fixers.mending.trial import Analyse, AnalyseAll, RememberedAnalysis, Trial, digest
from sophia_cli.fixers.mending.verify import Version

MAX_ROUNDS = 10


class Ask(Protocol):
    """Decides about one fix; gets what it would change in the files as they are in its round."""

    def __call__(self, unit: Unit, changes: tuple[ChangedFile, ...], turn: Turn, /) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Draft:
    """What the rounds came to: the plan, every file as it would be, and why the other fixes are not in the plan.

    `settled` is false when the rounds ran out while there was still something to fix.
    """

    plan: Plan
    before: tuple[Version, ...]
    after: tuple[Version, ...]
    reasons: tuple[tuple[Finding, str], ...]
    taken_back: tuple[TakenBack, ...]
    rounds: int
    settled: bool


def draft_fixes(
    files: Sequence[Version],
    analyse: Analyse,
    policy: Policy,
    *,
    analyse_all: AnalyseAll | None = None,
    survey: Surveyor | None = None,
    load: Callable[[str], Version] | None = None,
    ask: Ask | None = None,
    max_rounds: int = MAX_ROUNDS,
    on_round: Callable[[int, int], None] | None = None,
) -> Draft:
    """Return the plan that fixes what `policy` allows in these files.

    `analyse_all` makes the first try of every file faster. `survey` brings in the rules for the whole project: their
    fixes come up once no file has any of its own left; `load` then gives files that are not among `files`. `ask`
    decides about each fix by itself; with None all are accepted. `on_round` hears the number of each round and how many
    fixes it tries.
    """
    work = _Work(files, RememberedAnalysis(analyse, analyse_all), policy, Together(survey, load))
    rounds, settled = 0, False
    answer, asked = Answer.YES, 0
    for number in range(1, max_rounds + 1):
        units = work.choose()
        if not units:
            settled = True
            break
        if on_round is not None:
            on_round(number, len(units))
        if ask is not None and answer is not Answer.ALL:
            units, declined, answer = approved(units, partial(_asked, ask, work), asked)
            asked += len(units) + len(declined)
            work.ban(declined, "declined")
        work.make(work.verified(units))
        rounds = number
        if answer is Answer.QUIT:
            settled = True
            break
    return work.result(rounds, settled or not work.choose())


def _asked(ask: Ask, work: _Work, unit: Unit, turn: Turn) -> Answer:
    return ask(unit, work.changes_of(unit), turn)


_EditKey = tuple[str, str, int, int, bytes]


@dataclass(slots=True)
class _File:
    """One file while the rounds run."""

    original: Version
    current: Version
    owned: tuple[OwnedEdit, ...] = ()
    seen: set[bytes] = field(default_factory=set)


class _Work:
    def __init__(
        self, files: Sequence[Version], analyse: RememberedAnalysis, policy: Policy, together: Together
    ) -> None:
        self._analyse = analyse
        self._policy = policy
        self._together = together
        self._files = {
            version.report.path: _File(version, version, seen={digest(version.data)})
            for version in sorted(files, key=lambda v: v.report.path)
        }
        self._banned: dict[tuple[_EditKey, ...], str] = {}
        self._taken_back: list[TakenBack] = []
        self._fixes: dict[int, tuple[PlannedFix, ...]] = {}
        self._choosing_shared = False

    def choose(self) -> list[Unit]:
        """Return the units of the next round: allowed, not tried in vain before, free of overlaps."""
        units = self._open(self._own_findings())
        self._choosing_shared = not units
        if not units:
            # What is found in all files together is worked out anew once no file has anything of its own left.
            units = self._open(self._shared_findings())
        sizes = {path: len(file.current.data) for path, file in self._files.items()}
        return list(without_overlaps(units, sizes).units)

    def changes_of(self, unit: Unit) -> tuple[ChangedFile, ...]:
        """Return what one unit alone would change now."""
        return tuple(unit.change_of(path, self._files[path].current.data) for path in sorted(unit.paths))

    def ban(self, units: Sequence[Unit], reason: str) -> None:
        """Do not try these units again."""
        for unit in units:
            self._banned[self._key(unit)] = reason

    def verified(self, units: Sequence[Unit]) -> list[Unit]:
        """Return the units that make no file worse; the others are banned and remembered as taken back."""
        standing = list(units)
        self._analyse.prepare([(path, self._with(path, mine)) for path, mine in _by_path(standing)])
        while standing:
            spoiled: dict[int, str] = {}
            for path, mine in _by_path(standing):
                trial = Trial(self._files[path].current, self._files[path].seen, self._analyse)
                _, rejected = split_good(mine, trial.is_good)
                for unit in rejected:
                    spoiled.setdefault(id(unit), trial.reason_for(unit))
            if not spoiled:
                break
            for unit in standing:
                if id(unit) in spoiled:
                    self.ban([unit], spoiled[id(unit)])
                    self._taken_back.append(TakenBack(unit.findings, spoiled[id(unit)]))
            standing = [unit for unit in standing if id(unit) not in spoiled]
        if self._choosing_shared and standing:
            standing, refused = self._together.sort_out(standing, self._overlay, self._compiles)
            for unit, reason in refused:
                self.ban([unit], reason)
                self._taken_back.append(TakenBack(unit.findings, reason))
        return standing

    def _overlay(self, units: Sequence[Unit] = ()) -> dict[str, bytes]:
        """Return the files that differ from the disk, these units made as well."""
        changed = {path: file.current.data for path, file in self._files.items() if file.owned}
        changed.update((path, self._with(path, mine)) for path, mine in _by_path(units))
        return changed

    def _compiles(self, path: str) -> bool:
        return path not in self._files or self._files[path].current.report.compiles

    def _with(self, path: str, units: Sequence[Unit]) -> bytes:
        """Return what a file would be with these units made."""
        return splice(self._files[path].current.data, (edit for unit in units for edit in unit.edits_in(path)))

    def make(self, units: Sequence[Unit]) -> None:
        """Make verified units in memory."""
        numbers = {id(unit): len(self._fixes) + index for index, unit in enumerate(units)}
        lines = {path: _line_map(self._files[path]) for unit in units for path in {f.path for f in unit.findings}}
        for unit in units:
            self._fixes[numbers[id(unit)]] = tuple(
                PlannedFix(finding, lines[finding.path].before(finding.region.line)) for finding in unit.findings
            )
        for path, mine in _by_path(units):
            file = self._files[path]
            edits = [(edit, numbers[id(unit)]) for unit in mine for edit in unit.edits_in(path)]
            data = splice(file.current.data, [edit for edit, _ in edits])
            file.owned = compose(file.owned, edits)
            file.current = Version(data, self._analyse(path, data))
            file.seen.add(digest(data))
        self._analyse.forget()
        self._together.forget(self._overlay())

    def result(self, rounds: int, settled: bool) -> Draft:
        """Return what the rounds came to."""
        reasons: list[tuple[Finding, str]] = []
        first, last = self._together.findings({}), self._together.findings(self._overlay())
        self._take_in({*first, *last})
        choice = candidates([*self._own_findings(), *_all(last)], self._broken(), self._policy)
        pending = [unit for unit in choice.units if unit.paths <= self._files.keys()]
        for unit in pending:
            why = self._banned.get(self._key(unit), "the rounds ran out before its turn")
            reasons += [(finding, why) for finding in unit.findings]
        files = self._files.values()
        return Draft(
            plan=Plan(
                tuple(_original(file) for file in files if file.owned),
                tuple(steps_of(self._fixes, {path: file.owned for path, file in self._files.items()})),
            ),
            before=tuple(_with_shared(file.original, first) for file in files),
            after=tuple(_with_shared(file.current, last) for file in files),
            reasons=(*choice.reasons, *reasons),
            taken_back=tuple(self._taken_back),
            rounds=rounds,
            settled=settled,
        )

    def _own_findings(self) -> list[Finding]:
        return [finding for file in self._files.values() for finding in file.current.report.findings]

    def _shared_findings(self) -> list[Finding]:
        found = self._together.findings(self._overlay())
        edited = {edit.path for f in _all(found) if f.fix is not None for edit in f.fix.edits}
        self._take_in({*found, *edited})
        return list(_all(found))

    def _take_in(self, paths: Iterable[str]) -> None:
        """Get hold of files that only findings about several files name."""
        if self._together.load is None:
            return
        for path in sorted(paths):
            if path not in self._files:
                version = self._together.load(path)
                self._files[path] = _File(version, version, seen={digest(version.data)})

    def _broken(self) -> frozenset[str]:
        return frozenset(path for path, file in self._files.items() if not file.current.report.compiles)

    def _open(self, findings: Sequence[Finding]) -> list[Unit]:
        """Return the units that answer these findings, allowed and not tried in vain before."""
        units = candidates(findings, self._broken(), self._policy).units
        return [unit for unit in units if unit.paths <= self._files.keys() and self._key(unit) not in self._banned]

    def _key(self, unit: Unit) -> tuple[_EditKey, ...]:
        """Return what a unit would do, in the coordinates of the originals: a later round may propose it again."""
        rule = unit.findings[0].rule
        keys: list[_EditKey] = []
        for edit in unit.edits:
            owned = self._files[edit.path].owned
            start, end = original_offset(owned, edit.start), original_offset(owned, edit.end)
            keys.append((edit.path, rule, start, end, edit.replacement))
        return tuple(sorted(keys))


def _by_path(units: Sequence[Unit]) -> list[tuple[str, list[Unit]]]:
    """Return the units of every file that they change, by path, in their order."""
    found: dict[str, list[Unit]] = {}
    for unit in units:
        for path in unit.paths:
            found.setdefault(path, []).append(unit)
    return sorted(found.items())


def _original(file: _File) -> Original:
    return Original(file.original.report.path, file.original.data, file.original.exists)


def _line_map(file: _File) -> LineMap:
    return LineMap(file.original.data, file.current.data, file.owned)


def _with_shared(version: Version, shared: FindingsByPath) -> Version:
    """Return a file with what is found in all files together beside its own findings."""
    more = shared.get(version.report.path, ())
    return Version(version.data, with_findings(version.report, more)) if more else version


def _all(found: FindingsByPath) -> Iterable[Finding]:
    return chain.from_iterable(found.values())
