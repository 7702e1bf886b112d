"""Fixes of findings about several files: tried on the whole project, and kept only where nothing gets worse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from sophia_cli.core.findings import Finding, Severity
from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.mending.bisect import split_good
from sophia_cli.fixers.mending.choosing import Unit
from sophia_cli.fixers.mending.trial import digest
from sophia_cli.fixers.mending.verify import Version

FindingsByPath = Mapping[str, tuple[Finding, ...]]


class Surveyor(Protocol):
    """Says what the rules for the whole project find when the files in `overlay` hold these bytes."""

    def findings(self, overlay: Mapping[str, bytes], /) -> FindingsByPath: ...


@dataclass(slots=True)
class Together:
    """What is found in all files together, for any bytes of some; remembers its last answers.

    `load` gives the bytes and the report of a file that nobody has looked at by itself.
    """

    survey: Surveyor | None
    load: Callable[[str], Version] | None
    _known: dict[tuple[tuple[str, bytes], ...], FindingsByPath] = field(default_factory=dict)

    def findings(self, overlay: Mapping[str, bytes]) -> FindingsByPath:
        """Return what is found in the project with this overlay; nothing without a survey."""
        if self.survey is None:
            return {}
        key = tuple(sorted((path, digest(data)) for path, data in overlay.items()))
        if key not in self._known:
            self._known[key] = self.survey.findings(overlay)
        return self._known[key]

    def sort_out(
        self,
        units: Sequence[Unit],
        overlay_with: Callable[[Sequence[Unit]], Mapping[str, bytes]],
        compiles: Callable[[str], bool],
    ) -> tuple[list[Unit], list[tuple[Unit, str]]]:
        """Return the units that stand, and the others each with the reason.

        A set of units stands when nothing is worse over the files that compiled before, and each of its units does
        away with what it answers.
        """
        before = self.findings(overlay_with(()))

        def harm(some: Sequence[Unit]) -> Harm | None:
            return harm_of(before, self.findings(overlay_with(some)), compiles)

        kept, refused = _without_harm(list(units), harm)
        while kept:
            idle = unsolved(kept, before, self.findings(overlay_with(kept)))
            if not idle:
                break
            refused += [(unit, "what it answers would still be reported") for unit in idle]
            kept = [unit for unit in kept if unit not in idle]
        return kept, refused

    def forget(self, overlay: Mapping[str, bytes]) -> None:
        """Drop what was tried; keep the answers for this overlay and for the files as they are on the disk."""
        kept = {(), tuple(sorted((path, digest(data)) for path, data in overlay.items()))}
        self._known = {key: found for key, found in self._known.items() if key in kept}


@dataclass(frozen=True, slots=True)
class Harm:
    """What would be worse: for each file in which it shows, the first of it in words."""

    reasons: Mapping[str, str]


def harm_of(before: FindingsByPath, after: FindingsByPath, compiles: Callable[[str], bool]) -> Harm | None:
    """Return what would be worse over the files that compile: a new error or warning, or more findings of a rule."""
    known = Counter(_identity(finding) for path, findings in before.items() if compiles(path) for finding in findings)
    fresh: list[Finding] = []
    for path in sorted(after):
        for finding in after[path] if compiles(path) else ():
            known[_identity(finding)] -= 1
            if known[_identity(finding)] < 0:
                fresh.append(finding)
    reasons: dict[str, str] = {}
    for finding in fresh:
        if finding.severity is not Severity.NOTE:
            reasons.setdefault(finding.path, f"`{finding.path}` would have `{finding.name}`: {finding.message}")
    if reasons:
        return Harm(reasons)
    old, new = _counts(before, compiles), _counts(after, compiles)
    for finding in fresh:
        if new[finding.name] > old[finding.name]:
            reasons.setdefault(finding.path, f"the project would have more findings of `{finding.name}` than before")
    return Harm(reasons) if reasons else None


HarmOf = Callable[[Sequence[Unit]], Harm | None]


def _without_harm(units: list[Unit], harm: HarmOf) -> tuple[list[Unit], list[tuple[Unit, str]]]:
    """Return the units that together do no harm, and the others each with the reason.

    Every answer about the project costs a moment. So the units that change a file in which harm shows are suspected of
    it first; where that leads nowhere, all are.
    """
    refused: list[tuple[Unit, str]] = []
    while units and (found := harm(units)) is not None:
        guilty: list[Unit] = []
        for path, reason in found.reasons.items():
            caught = _guilty_of(path, units, guilty, harm)
            refused += [(unit, reason) for unit in caught]
            guilty += caught
        units = [unit for unit in units if unit not in guilty]
    return units, refused


def _guilty_of(path: str, units: Sequence[Unit], caught: Sequence[Unit], harm: HarmOf) -> list[Unit]:
    """Return the units that do harm in one file, on top of the others; none when those that are caught did it all."""

    def is_harmed(some: Sequence[Unit]) -> bool:
        found = harm(some)
        return found is not None and path in found.reasons

    left = [unit for unit in units if unit not in caught]
    if caught and not is_harmed(left):
        return []
    suspects = [unit for unit in left if path in unit.paths]
    others = [unit for unit in left if unit not in suspects]
    if not suspects or is_harmed(others):
        suspects, others = left, []
    if len(suspects) == 1:
        return suspects
    return split_good(suspects, lambda some: not is_harmed([*others, *some]))[1]


def unsolved(units: Iterable[Unit], before: FindingsByPath, after: FindingsByPath) -> list[Unit]:
    """Return the units one of whose findings is still there as often as it was."""
    old, new = Counter(map(_identity, _all(before))), Counter(map(_identity, _all(after)))
    return [unit for unit in units if any(new[_identity(f)] >= old[_identity(f)] for f in unit.findings)]


def _counts(found: FindingsByPath, compiles: Callable[[str], bool]) -> Counter[str]:
    return Counter(finding.name for path, findings in found.items() if compiles(path) for finding in findings)


def _all(found: FindingsByPath) -> Iterable[Finding]:
    return (finding for findings in found.values() for finding in findings)


_LINE = re.compile(r"(?<=\w):\d+\b")
_NAMING = ("module", "name", "import", "callable", "argument", "target", "modules")


def _identity(finding: Finding) -> tuple[object, ...]:
    """Return what tells a finding from others whatever else changes: lines move, and words follow the surroundings."""
    named = tuple(finding.data.get(key) for key in _NAMING)
    # A message may name the place of something else (`requirements.txt:3`), which moves like the finding's own.
    return (finding.path, finding.rule, *(named if any(named) else (_LINE.sub(":", finding.message),)))
