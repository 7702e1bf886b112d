"""Repairs that the past gives: part of the breaking change taken back, or known damage undone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.lessons import Lesson, Mended, mend
from sophia_cli.fixers.syntax.line_diff import hunks
from sophia_cli.fixers.syntax.model import Origin, SyntaxFault
from sophia_cli.fixers.syntax.reversal import Reversal, ReversedHunk, reversals
from sophia_cli.project.history.model import GoodVersion

_SHORT = 10
_MOST_TRIES, _LEAST_TRIES = 200, 20
_WORK = 12_000_000  # characters compiled in all
_SMALL_REVERSAL = 8  # lines
_LARGEST_RETURN = 40  # lines; a tool that deleted more in one file did something else besides


@dataclass(frozen=True, slots=True)
class PastRepair:
    """A text that compiles, made from evidence of the past, for the engine to cost against its own candidates.

    Each hunk says which lines of the broken text become what. `restored` lines come back, `dropped` ones go, `changed`
    ones return to what they were. `reversal` is set where a good version gave it. `is_certain` says that the file
    returns to what it was before a commit that only deleted lines; later changes stay.
    """

    text: str
    hunks: tuple[ReversedHunk, ...]
    restored: int
    dropped: int
    changed: int
    evidence: tuple[str, ...]
    reversal: Reversal | None
    is_certain: bool = False

    @property
    def lines(self) -> int:
        """How many lines come, go or change."""
        return self.restored + self.dropped + self.changed

    @property
    def is_small(self) -> bool:
        """Whether it is small enough to be what a person would do, whatever else compiles."""
        return self.lines <= _SMALL_REVERSAL


def origin_of(good: GoodVersion | None) -> Origin | None:
    """Return the commit that broke a file; None without a good version and for damage that is not committed."""
    if good is None or good.is_uncommitted:
        return None
    return Origin(good.breaking_commit, good.commit, good.path, good.breaking_summary)


def past_repairs(
    broken: str,
    good: GoodVersion | None,
    lessons: Sequence[Lesson],
    fault_of: Callable[[str], SyntaxFault | None],
    *,
    by_tool: bool = False,
    limit: int | None = None,
) -> tuple[PastRepair, ...]:
    """Return what the past offers for one broken text, the best first; `fault_of` is asked at most twice `limit` times
    (left out: 200 times, less often for long texts).

    A good version of the file is better evidence than damage seen in other files, which is only looked at without one.
    Least is taken back; but where the breaking commit did the same to many files (`by_tool`), the lines that it deleted
    without breaking this file are damage too, so all of them come back.
    """
    if limit is None:
        limit = max(_LEAST_TRIES, min(_MOST_TRIES, _WORK // (len(broken) + 1)))
    if good is not None:
        first_broken = good.first_broken or (broken if by_tool and good.is_uncommitted else "")
        found = reversals(good.text, broken, fault_of, first_broken=first_broken, limit=limit)
        if found:
            repairs = [_from_reversal(reversal, good, by_tool) for reversal in found]
            return tuple(sorted(repairs, key=lambda repair: not (by_tool and repair.is_certain)))
    mended = mend(broken, lessons, fault_of, limit=limit) if lessons else None
    return (_from_lessons(broken, mended),) if mended else ()


def _from_reversal(reversal: Reversal, good: GoodVersion, by_tool: bool) -> PastRepair:
    first = f"`{good.path}` compiles in commit {good.commit[:_SHORT]}"
    broke = f"commit {good.breaking_commit[:_SHORT]} ({good.breaking_summary}) broke it"
    parts = [
        f"{count} {'line' if count == 1 else 'lines'} {what}"
        for count, what in (
            (reversal.restored, "restored"),
            (reversal.changed, "as before"),
            (reversal.dropped, "dropped"),
        )
        if count
    ]
    evidence = (first, "the damage is not committed" if good.is_uncommitted else broke, ", ".join(parts))
    return PastRepair(
        reversal.text,
        reversal.hunks,
        reversal.restored,
        reversal.dropped,
        reversal.changed,
        evidence,
        reversal,
        is_certain=(
            reversal.is_entire
            and not good.is_copy
            and not reversal.dropped + reversal.changed
            and reversal.restored <= (_LARGEST_RETURN if by_tool else _SMALL_REVERSAL)
        ),
    )


def _from_lessons(broken: str, mended: Mended) -> PastRepair:
    lines, target = broken.split("\n"), mended.text.split("\n")
    found = hunks(target, lines)
    taken = tuple(ReversedHunk(hunk.start, hunk.end, tuple(target[hunk.good_start : hunk.good_end])) for hunk in found)
    sizes = [(hunk.end - hunk.start, len(hunk.replacement)) for hunk in taken]
    evidence = tuple(
        f"{lesson.signature.action.value}, seen {lesson.count} times in this project: `{lesson.line}`"
        for lesson in dict.fromkeys(mended.lessons)
    )
    return PastRepair(
        mended.text,
        taken,
        sum(max(0, size - gone) for gone, size in sizes),
        sum(max(0, gone - size) for gone, size in sizes),
        sum(min(gone, size) for gone, size in sizes),
        evidence,
        None,
    )
