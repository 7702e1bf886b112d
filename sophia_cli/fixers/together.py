"""Fixes of findings about several files: tried on the whole project, and kept only where nothing gets worse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sophia_cli.core.findings import Finding, Severity
from sophia_cli.fixers.bisect import split_good
from sophia_cli.fixers.plan import Unit
from sophia_cli.fixers.trial import digest
from sophia_cli.fixers.verify import Version

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
        reasons: dict[int, str] = {}

        def is_good(some: Sequence[Unit]) -> bool:
            reason = objection(before, self.findings(overlay_with(some)), compiles)
            if reason is not None:
                reasons[id(some[-1])] = reason
            return reason is None

        kept, rejected = split_good(list(units), is_good)
        refused = [
            (unit, reasons.get(id(unit), "the project would have more findings than before")) for unit in rejected
        ]
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


def objection(before: FindingsByPath, after: FindingsByPath, compiles: Callable[[str], bool]) -> str | None:
    """Return what would be worse over the files that compile: a new error or warning, or more findings of a rule."""
    known = Counter(_key(finding) for path, findings in before.items() if compiles(path) for finding in findings)
    for path in sorted(after):
        for finding in after[path] if compiles(path) else ():
            known[_key(finding)] -= 1
            if known[_key(finding)] < 0 and finding.severity is not Severity.NOTE:
                return f"`{finding.path}` would have `{finding.name}`: {finding.message}"
    old, new = _counts(before, compiles), _counts(after, compiles)
    worse = sorted(name for name, count in new.items() if count > old[name])
    return None if not worse else f"the project would have more findings of `{worse[0]}` than before"


def unsolved(units: Iterable[Unit], before: FindingsByPath, after: FindingsByPath) -> list[Unit]:
    """Return the units one of whose findings is still there as often as it was."""
    old, new = Counter(map(_key, _all(before))), Counter(map(_key, _all(after)))
    return [unit for unit in units if any(new[_key(f)] >= old[_key(f)] for f in unit.findings)]


def _counts(found: FindingsByPath, compiles: Callable[[str], bool]) -> Counter[str]:
    return Counter(finding.name for path, findings in found.items() if compiles(path) for finding in findings)


def _all(found: FindingsByPath) -> Iterable[Finding]:
    return (finding for findings in found.values() for finding in findings)


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.path, finding.rule, finding.message
