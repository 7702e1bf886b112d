"""Undoing known damage in files that have no good version: what was done elsewhere is taken back here. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.line_shape import indentation, shape
from sophia_cli.fixers.syntax.mass_damage import Action, DamageGroup, Scar, Signature
from sophia_cli.fixers.syntax.model import SyntaxFault

_BEFORE_FAULT = 25
_AFTER_FAULT = 25
_TRIES_A_STEP = 40
_STEPS = 12
_TAIL = 2


@dataclass(frozen=True, slots=True)
class Lesson:
    """One damage and how to take it back: `line` returns (or goes) between lines of the shapes `before` and `after`.

    `indent` is the returning line's indentation less that of the line before it. `count` says how many lines taught it.
    """

    signature: Signature
    line: str
    before: str
    after: str
    indent: int
    count: int


@dataclass(frozen=True, slots=True)
class Mended:
    """A text that compiles, and what was taken back in it, in order."""

    text: str
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True, slots=True)
class _Attempt:
    lesson: Lesson
    start: int
    end: int
    replacement: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class _Known:
    """Lessons, deletions by the shape of the line before."""

    deletions: Mapping[str, Sequence[Lesson]]
    others: Sequence[Lesson]


def lessons_of(groups: Sequence[DamageGroup]) -> tuple[Lesson, ...]:
    """Return what the damaged files teach, the most frequent first; what only one line teaches is left out."""
    counts = Counter(lesson for group in groups for scar in group.scars if (lesson := _lesson(scar)))
    taught = [
        Lesson(one.signature, one.line, one.before, one.after, one.indent, count)
        for one, count in counts.items()
        if count > 1
    ]
    return tuple(sorted(taught, key=lambda lesson: (-lesson.count, lesson.line, lesson.before, lesson.after)))


def mend(
    broken: str, lessons: Sequence[Lesson], fault_of: Callable[[str], SyntaxFault | None], *, limit: int = 200
) -> Mended | None:
    """Return `broken` with known damage taken back near each fault until it compiles; None when that does not succeed.

    `fault_of` is asked at most `limit` times.
    """
    deletions: dict[str, list[Lesson]] = defaultdict(list)
    for lesson in lessons:
        if lesson.signature.action is Action.DELETED:
            deletions[lesson.before].append(lesson)
    known = _Known(deletions, tuple(lesson for lesson in lessons if lesson.signature.action is not Action.DELETED))
    lines = broken.split("\n")
    used: list[Lesson] = []
    fault = fault_of(broken)
    calls = 1
    for _ in range(_STEPS):
        if fault is None:
            return Mended("\n".join(lines), tuple(used)) if used else None
        best: tuple[int, _Attempt, SyntaxFault | None] | None = None
        rest_now = len(lines) - fault.line
        for attempt in _attempts(lines, fault.line - 1, known)[:_TRIES_A_STEP]:
            if calls >= limit:
                return None
            calls += 1
            other = fault_of("\n".join([*lines[: attempt.start], *attempt.replacement, *lines[attempt.end :]]))
            length = len(lines) - (attempt.end - attempt.start) + len(attempt.replacement)
            rest = -1 if other is None else length - other.line
            if rest < (rest_now if best is None else best[0]):
                best = (rest, attempt, other)
            if other is None:
                break
        if best is None:
            return None
        _, attempt, fault = best
        lines[attempt.start : attempt.end] = attempt.replacement
        used.append(attempt.lesson)
    return None


def _lesson(scar: Scar) -> Lesson | None:
    before, after = _last(shape(scar.before)), _first(shape(scar.after))
    match scar.signature.action:
        case Action.DELETED if scar.good and scar.good.strip():
            indent = indentation(scar.good) - indentation(scar.before)
            return Lesson(scar.signature, scar.good.strip(), before, after, indent, 0)
        case Action.INSERTED if scar.broken and scar.broken.strip():
            return Lesson(scar.signature, scar.broken.strip(), "", "", 0, 0)
        case Action.COMMENTED:
            return Lesson(scar.signature, scar.signature.shape, "", "", 0, 0)
        case Action.REINDENTED:
            return Lesson(scar.signature, shape(scar.good or ""), "", "", int(scar.signature.shape), 0)
        case Action.JOINED:
            return Lesson(scar.signature, (scar.good or "").strip()[-3:], "", "", 0, 0)
    return None


def _attempts(lines: Sequence[str], fault: int, known: _Known) -> list[_Attempt]:
    """Return what can be taken back near a fault, the best supported first: more context, more teachers, nearer."""
    low, high = max(0, fault - _BEFORE_FAULT), min(len(lines), fault + _AFTER_FAULT)
    found: list[_Attempt] = []
    shapes = {index: shape(lines[index]) for index in range(low, high)}
    for index in range(low, high):
        found += _at(lines, index, shapes, known)
    return sorted(found, key=lambda attempt: (-attempt.weight, abs(attempt.start - fault)))


def _at(lines: Sequence[str], index: int, shapes: dict[int, str], known: _Known) -> Iterator[_Attempt]:
    line, core = lines[index], lines[index].strip()
    if not core:
        return
    margin = line[: len(line) - len(line.lstrip())]
    following = next((i for i in range(index + 1, min(index + 9, len(lines))) if lines[i].strip()), index)
    before, after = _last(shapes[index]), _first(shape(lines[following]))
    for lesson in known.deletions.get(before, ()):
        indent = " " * max(0, indentation(line) + lesson.indent)
        weight = (2000 if lesson.after == after else 1000) + lesson.count
        yield _Attempt(lesson, index + 1, index + 1, (indent + lesson.line,), weight)
    for lesson in known.others:
        match lesson.signature.action:
            case Action.INSERTED if core == lesson.line:
                yield _Attempt(lesson, index, index + 1, (), 3000 + lesson.count)
            case Action.COMMENTED if core.startswith(lesson.line):
                yield _Attempt(lesson, index, index + 1, (margin + core[len(lesson.line) :],), 3000 + lesson.count)
            case Action.REINDENTED if shapes[index] == lesson.line:
                indent = " " * max(0, indentation(line) - lesson.indent)
                yield _Attempt(lesson, index, index + 1, (indent + core,), 1500 + lesson.count)
            case Action.JOINED if lesson.line and lesson.line in core[:-1]:
                head, tail = core.rsplit(lesson.line, 1)
                if tail:
                    pieces = (margin + head + lesson.line, margin + tail.lstrip())
                    yield _Attempt(lesson, index, index + 1, pieces, 1500 + lesson.count)


def _last(text: str) -> str:
    return " ".join(text.split(" ")[-_TAIL:])


def _first(text: str) -> str:
    return " ".join(text.split(" ")[:_TAIL])
