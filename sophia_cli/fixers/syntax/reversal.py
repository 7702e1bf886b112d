"""The smallest parts of (good version -> broken version) whose reversal makes the broken text compile. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.syntax.line_diff import Hunk, Slot, hunks, slots
from sophia_cli.fixers.syntax.model import SyntaxFault

FaultOf = Callable[[str], SyntaxFault | None]
Chosen = frozenset[int]

_NEAREST = 10
_STEPS = 40


@dataclass(frozen=True, slots=True)
class ReversedHunk:
    """Lines [start, end) of the broken text, from 0, go back to `replacement`."""

    start: int
    end: int
    replacement: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reversal:
    """A text that compiles: the broken one with some changes since the good version taken back.

    Each hunk is needed: without it the text does not compile. Where `is_minimal` is false that is not so: the budget of
    checks ran out, or these are all the lines that the breaking commit deleted, needed or not. `restored` counts lines
    that come back, `dropped` lines that go, `changed` lines that return to what they were. `is_whole` says that
    differences are taken back as a whole, not only some of their lines, `is_entire` that nothing of what the breaking
    commit did to the file is left.
    """

    text: str
    hunks: tuple[ReversedHunk, ...]
    restored: int
    dropped: int
    changed: int
    is_whole: bool
    is_minimal: bool
    is_entire: bool = False

    @property
    def sort_key(self) -> tuple[int, bool, int]:
        """Least code lost first; then whole differences, since half of a damaging change was not meant either."""
        return (self.dropped + self.changed, not self.is_whole, self.restored)


def reversals(
    good: str, broken: str, fault_of: FaultOf, *, first_broken: str = "", limit: int = 200, most: int = 4
) -> tuple[Reversal, ...]:
    """Return up to `most` ways to make `broken` compile by taking changes since `good` back, the best first.

    Changes that the breaking commit made (`first_broken` is its version) are tried before later ones. `fault_of` says
    what the compiler objects to first and is called at most `limit` times. Empty when `good` does not compile, when
    nothing differs, or when the calls do not suffice.
    """
    search = _Search(_Difference.between(good, broken, first_broken), fault_of, limit)
    found = search.run()
    unique = {reversal.text: reversal for reversal in sorted(found, key=lambda r: r.sort_key, reverse=True)}
    return tuple(sorted(unique.values(), key=lambda r: r.sort_key)[:most])


@dataclass(frozen=True, slots=True)
class _Difference:
    """The broken text as a row of pieces: a slot that differs (with its number) or a line that both versions share."""

    pieces: tuple[Slot, ...]
    units: tuple[Chosen, ...]
    suspects: tuple[Chosen, ...]

    @classmethod
    def between(cls, good: str, broken: str, first_broken: str) -> _Difference:
        old, new = good.split("\n"), broken.split("\n")
        changed = _changed_lines(old, first_broken)
        pieces: list[Slot] = []
        units: list[Chosen] = []
        suspects: list[Chosen] = []
        position = 0
        for hunk in hunks(old, new):
            pieces += [Slot(line, line) for line in new[position : hunk.start]]
            for is_suspect, run in _runs(old, new, hunk, changed):
                unit = frozenset(range(len(pieces), len(pieces) + len(run)))
                pieces += run
                units.append(unit)
                if is_suspect:
                    suspects.append(unit)
            position = hunk.end
        pieces += [Slot(line, line) for line in new[position:]]
        return cls(tuple(pieces), tuple(units), tuple(suspects))

    def text(self, chosen: Chosen) -> str:
        lines = (piece.good if number in chosen else piece.broken for number, piece in enumerate(self.pieces))
        return "\n".join(line for line in lines if line is not None)

    def places(self, chosen: Chosen) -> list[int]:
        """Return the line, from 0, at which each piece stands in the text with `chosen` taken back."""
        held = (
            (piece.good if number in chosen else piece.broken) is not None for number, piece in enumerate(self.pieces)
        )
        return list(accumulate(held, initial=0))

    def hunks(self, chosen: Chosen) -> tuple[ReversedHunk, ...]:
        found: list[ReversedHunk] = []
        line = 0
        start, lines = -1, []
        for number, piece in enumerate((*self.pieces, Slot("", ""))):
            if number in chosen:
                start = line if start < 0 else start
                lines += [piece.good] if piece.good is not None else []
            elif start >= 0:
                found.append(ReversedHunk(start, line, tuple(lines)))
                start, lines = -1, []
            line += piece.broken is not None
        return tuple(found)


@dataclass(slots=True)
class _Search:
    """One search: the difference, the compiler, and how often it may still be asked."""

    difference: _Difference
    fault_of: FaultOf
    left: int
    _known: dict[Chosen, SyntaxFault | None] = field(default_factory=dict)

    def run(self) -> list[Reversal]:
        if self._compiles(frozenset()):
            return []
        for pool in (self.difference.suspects, self.difference.units):
            found = self._singles(pool)
            if not found:
                chosen = self._forward(pool) or self._all(pool)
                found = [chosen] if chosen else []
            if found:
                made = [reversal for chosen in found for reversal in self._variants(chosen, pool)]
                return [*made, *self._deletions(pool)] if pool is self.difference.suspects else made
        return []

    def _deletions(self, suspects: Sequence[Chosen]) -> Iterable[Reversal]:
        """Yield the breaking commit taken back in full where that only brings lines back."""
        everything = frozenset[int]().union(*suspects)
        whole = self._reversal(everything, True, False)
        if not whole.dropped + whole.changed and self._compiles(everything):
            yield whole

    def _fault(self, chosen: Chosen) -> SyntaxFault | None:
        if chosen not in self._known:
            if self.left <= 0:
                return SyntaxFault(0, 0, 0, 0, "", "")
            self.left -= 1
            self._known[chosen] = self.fault_of(self.difference.text(chosen))
        return self._known[chosen]

    def _compiles(self, chosen: Chosen) -> bool:
        return self._fault(chosen) is None

    def _nearest(self, pool: Sequence[Chosen], chosen: Chosen, line: int) -> list[Chosen]:
        """Return the units nearest to a fault, those before it first among equals: damage shows at it or after it."""

        places = self.difference.places(chosen)

        def distance(unit: Chosen) -> int:
            away = line - places[min(unit)]
            return 2 * away if away >= 0 else -6 * away + 1

        return sorted((unit for unit in pool if not unit <= chosen), key=distance)[:_NEAREST]

    def _singles(self, pool: Sequence[Chosen]) -> list[Chosen]:
        """Return the single units near the fault that suffice by themselves."""
        fault = self._fault(frozenset())
        if fault is None:
            return []
        return [unit for unit in self._nearest(pool, frozenset(), fault.line - 1) if self._compiles(unit)]

    def _forward(self, pool: Sequence[Chosen]) -> Chosen | None:
        """Return units that suffice together, taken one by one: each time the one that moves the fault furthest."""
        chosen: Chosen = frozenset()
        for _ in range(_STEPS):
            fault = self._fault(chosen)
            if fault is None:
                return chosen
            furthest, best = len(self.difference.text(chosen).split("\n")) - fault.line, None
            for unit in self._nearest(pool, chosen, fault.line - 1):
                text = chosen | unit
                other = self._fault(text)
                if other is None:
                    return text
                # Counted from the end, since a reversal changes how many lines stand before the fault.
                rest = len(self.difference.text(text).split("\n")) - other.line
                if other.line and rest < furthest:
                    furthest, best = rest, text
            if best is None:
                return None
            chosen = best
        return None

    def _all(self, pool: Sequence[Chosen]) -> Chosen | None:
        everything = frozenset[int]().union(*pool)
        return everything if everything and self._compiles(everything) else None

    def _variants(self, chosen: Chosen, pool: Sequence[Chosen]) -> Iterable[Reversal]:
        """Yield the reversal by whole units, and by as few of their lines as suffice."""
        units = [unit for unit in pool if unit <= chosen]
        whole, is_minimal = self._minimal(units)
        yield self._reversal(whole, True, is_minimal)
        lines = [frozenset({number}) for number in sorted(whole)]
        if len(lines) > 1:
            part, is_minimal = self._minimal(lines)
            if part != whole:
                yield self._reversal(part, False, is_minimal)

    def _minimal(self, units: Sequence[Chosen]) -> tuple[Chosen, bool]:
        """Return a part of the units that compiles and from which no unit can be left out (delta debugging)."""
        kept = list(units)
        size = max(1, len(kept) // 2)
        while kept:
            removed = False
            position = 0
            while position < len(kept) and len(kept) > 1:
                rest = kept[:position] + kept[position + size :]
                if rest and self._compiles(frozenset[int]().union(*rest)):
                    kept, removed = rest, True
                else:
                    position += size
            if size == 1 and not removed:
                break
            size = max(1, size // 2)
        return frozenset[int]().union(*kept), self.left > 0

    def _reversal(self, chosen: Chosen, is_whole: bool, is_minimal: bool) -> Reversal:
        slots = [self.difference.pieces[number] for number in chosen]
        return Reversal(
            text=self.difference.text(chosen),
            hunks=self.difference.hunks(chosen),
            restored=sum(slot.broken is None for slot in slots),
            dropped=sum(slot.good is None for slot in slots),
            changed=sum(slot.good is not None and slot.broken is not None for slot in slots),
            is_whole=is_whole,
            is_minimal=is_minimal,
            is_entire=bool(self.difference.suspects) and all(unit <= chosen for unit in self.difference.suspects),
        )


def _changed_lines(good: Sequence[str], first_broken: str) -> frozenset[int]:
    """Return the lines of the good version that the breaking commit touched, or next to which it added some."""
    if not first_broken:
        return frozenset()
    touched: set[int] = set()
    for hunk in hunks(good, first_broken.split("\n")):
        touched.update(range(hunk.good_start, max(hunk.good_end, hunk.good_start + 1)))
    return frozenset(touched)


def _runs(old: Sequence[str], new: Sequence[str], hunk: Hunk, changed: frozenset[int]) -> list[tuple[bool, list[Slot]]]:
    """Return a hunk's slots, split where changes of the breaking commit and later ones meet."""
    runs: list[tuple[bool, list[Slot]]] = []
    line = hunk.good_start
    for slot in slots(old[hunk.good_start : hunk.good_end], new[hunk.start : hunk.end]):
        is_suspect = line in changed
        line += slot.good is not None
        if runs and runs[-1][0] == is_suspect:
            runs[-1][1].append(slot)
        else:
            runs.append((is_suspect, [slot]))
    return runs
