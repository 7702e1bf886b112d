"""What a scan found and a fix mended of damage that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.mutated.model import State, Taken, Target

Finding = Mapping[str, object]
_SAME = {
    State.MISSING_MODULE: frozenset({"missing-module", "undeclared-dependency"}),
    State.MISSING_NAME: frozenset({"missing-name", "missing-module"}),
    State.BROKEN: frozenset({"broken-target"}),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that must be reported: where, by which rule, and the words of `data` of which one must fit."""

    rule: str
    accept: frozenset[str]
    path: str
    lines: tuple[int, int]
    words: frozenset[str]
    origin: str = ""

    def fits(self, finding: Finding) -> bool:
        """Whether a finding is this one."""
        line, data = finding["line"], finding["data"]
        assert isinstance(line, int)
        assert isinstance(data, dict)
        if finding["name"] not in self.accept or finding["path"] != self.path:
            return False
        if not self.lines[0] <= line <= self.lines[1]:
            return False
        told = {str(value) for value in data.values() if value}
        # A relative import has no name of its own: it is told from the root of the repository, or from nearer.
        return not self.words or any(word == text or text.endswith(f".{word}") for word in self.words for text in told)


@dataclass(slots=True)
class Tally:
    """What came of one rule."""

    wanted: int = 0
    found: int = 0
    reported: int = 0
    right: int = 0
    missed: list[Wanted] = field(default_factory=list)
    false: list[Finding] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take the counts of another one in."""
        self.wanted, self.found = self.wanted + other.wanted, self.found + other.found
        self.reported, self.right = self.reported + other.reported, self.right + other.right
        self.missed += other.missed
        self.false += other.false


def wanted_of(taken: Iterable[Taken]) -> list[Wanted]:
    """Return what must be reported of imports: a missing module once a statement, missing names one by one."""
    found: dict[tuple[object, ...], Wanted] = {}
    for one in taken:
        if one.state not in _SAME:
            continue
        word = one.name if one.state is State.MISSING_NAME else ""
        key = (one.path, one.lines, one.state, one.module if one.state is not State.BROKEN else "", word)
        words = frozenset({word} if word else {one.module, f"{one.module}.{one.name}".rstrip(".")})
        if one.state is State.BROKEN:
            words = frozenset()
        elif one.state is State.MISSING_NAME:
            words |= {f"{one.module}.{one.name}"}
        found.setdefault(key, Wanted(one.state.value, _SAME[one.state], one.path, one.lines, words))
    return list(found.values())


def tallied(
    wanted: list[Wanted], optional: list[Wanted], findings: list[Finding], rules: Iterable[str]
) -> dict[str, Tally]:
    """Return recall and precision of each rule. What fits an optional row is neither."""
    tallies = {rule: Tally() for rule in rules}
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(str(finding["path"]), []).append(finding)
    rows: dict[str, list[Wanted]] = {}
    for row in (*wanted, *optional):
        rows.setdefault(row.path, []).append(row)
    for row in wanted:
        tally = tallies.setdefault(row.rule, Tally())
        tally.wanted += 1
        if any(row.fits(finding) for finding in by_path.get(row.path, ())):
            tally.found += 1
        else:
            tally.missed.append(row)
    for finding in findings:
        tally = tallies.get(str(finding["name"])) or Tally()
        tally.reported += 1
        if any(row.fits(finding) for row in rows.get(str(finding["path"]), ())):
            tally.right += 1
        else:
            tally.false.append(finding)
    return tallies


@dataclass(slots=True)
class Mends:
    """What a fix made of names that led nowhere: by outcome (right, wrong, left), in all and for those that have an
    answer in the repository."""

    answered: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def add(self, other: Mends) -> None:
        """Take the counts of another one in."""
        self.answered += other.answered
        self.without += other.without
        self.wrong += other.wrong
        self.left += other.left


def mended(base: list[Taken], damaged: list[Taken], fixed: list[Taken], moves: Mapping[Target, Target | None]) -> Mends:
    """Compare what each broken import should lead to with what it leads to after a fix.

    What is meant is known from the repository before the damage, and from where the damage put things. Imports are
    followed by file and the name that they bind.
    """
    before = {(one.path, one.local): one for one in base if one.target is not None}
    after: dict[tuple[str, str], list[Taken]] = {}
    for one in fixed:
        after.setdefault((one.path, one.local), []).append(one)
    mends = Mends()
    for one in damaged:
        if one.state not in (State.MISSING_MODULE, State.MISSING_NAME) or one.name == "*":
            continue
        meant = before.get((one.path, one.local)) or _by_line(base, one)
        if meant is None or meant.target is None:
            continue
        target = _now(meant.target, moves)
        found = after.get((one.path, meant.local), []) + after.get((one.path, one.local), [])
        label = f"{one.path}:{one.lines[0]} {one.module} {one.name}"
        counter = mends.without if target is None else mends.answered
        states = {item.state for item in found}
        if target is not None and any(item.target == target for item in found):
            counter["right"] += 1
        elif not found or states & {State.MISSING_MODULE, State.MISSING_NAME}:
            counter["left"] += 1
            mends.left.append(f"{label} (meant {target})" if target is not None else "")
        else:
            counter["wrong"] += 1
            led = "; ".join(f"{item.module} {item.name} {item.state.value} {item.target}" for item in found)
            mends.wrong.append(f"{label} -> {led} (meant {target})")
    mends.left = [text for text in mends.left if text]
    return mends


def _by_line(base: list[Taken], one: Taken) -> Taken | None:
    """Return what the same line imported before, where a single name of it is another one now."""
    fitting = [item for item in base if item.path == one.path and item.lines == one.lines and item.target is not None]
    near = [item for item in fitting if sorted(item.local) == sorted(one.local)]
    return near[0] if len(near) == 1 else None


def _now(target: Target, moves: Mapping[Target, Target | None]) -> Target | None:
    if target in moves:
        return moves[target]
    if target.name and Target(target.path) in moves:
        home = moves[Target(target.path)]
        return None if home is None else Target(home.path, target.name)
    return target
