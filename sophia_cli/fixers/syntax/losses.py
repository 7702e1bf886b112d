"""What a repair would lose: lines of code and definitions that stand in the broken text and not in the mended one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.fstrings import masked
from sophia_cli.fixers.syntax.line_diff import hunks
from sophia_cli.fixers.syntax.pieces import apart
from sophia_cli.fixers.syntax.site import is_code

_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.M)
_MARKUP = re.compile(r"\s*(?:<{7}|={7}|>{7}|\|{7}|```|~~~)")
_MARKS = re.compile(r"""["'#\\]""")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Changed:
    """The lines of code of one place before and after, without those that stand again at another place."""

    gone: tuple[str, ...]
    come: tuple[str, ...]


def differing(before: str, after: str, compiles: Callable[[str], bool]) -> tuple[str, str]:
    """Return the two texts without the pieces (`pieces.pieces_of`) that both begin and end with."""
    head, tail = apart(after, [before], compiles)
    return before[head : len(before) - tail], after[head : len(after) - tail]


def lost_lines(before: str, after: str) -> int:
    """Return how many lines of code `after` has less than `before`, counting those that became comments or text.

    A line that moved, or whose words all stand again in the lines that replace it, is not lost.
    """
    lost = _turned_to_text(before, after)
    for place in _changed(before, after):
        net = len(place.gone) - len(place.come)
        if net <= 0:
            continue
        words = Counter(_WORDS.findall("\n".join(_code(line) for line in place.come)))
        missing = [line for line in place.gone if Counter(_WORDS.findall(_code(line))) - words]
        lost += min(net, len(missing))
    return lost


def lost_words(before: str, after: str) -> int:
    """Return how many words of code (names, numbers, keywords) the repair takes away."""
    gone: Counter[str] = Counter()
    come: Counter[str] = Counter()
    for place in _changed(before, after):
        gone.update(_WORDS.findall("\n".join(_code(line) for line in place.gone)))
        come.update(_WORDS.findall("\n".join(_code(line) for line in place.come)))
    return sum((gone - come).values())


def lost_definitions(before: str, after: str) -> int:
    """Return how many functions and classes the repair takes away; those that become text are gone too."""
    return sum((Counter(_definitions(before)) - Counter(_definitions(after))).values())


def _definitions(text: str) -> list[str]:
    return _DEFINITION.findall(masked(text) or text)


def _changed(before: str, after: str) -> list[_Changed]:
    old, new = before.split("\n"), after.split("\n")
    found = hunks(new, old)
    gone = [[line for line in old[hunk.start : hunk.end] if _counts(line)] for hunk in found]
    come = [[line for line in new[hunk.good_start : hunk.good_end] if _counts(line)] for hunk in found]
    moved = Counter(_bare(gone)) & Counter(_bare(come))
    return [_Changed(*lines) for lines in zip(_without(gone, moved), _without(come, moved), strict=True)]


def _bare(places: Sequence[Sequence[str]]) -> Iterator[str]:
    return (line.strip() for lines in places for line in lines)


def _without(places: Sequence[Sequence[str]], moved: Counter[str]) -> list[tuple[str, ...]]:
    left = Counter(moved)
    kept: list[tuple[str, ...]] = []
    for lines in places:
        rest: list[str] = []
        for line in lines:
            if left[line.strip()] > 0:
                left[line.strip()] -= 1
            else:
                rest.append(line)
        kept.append(tuple(rest))
    return kept


def _turned_to_text(before: str, after: str) -> int:
    """Count the unchanged lines that were code and now stand inside a string; 0 where the old strings have no end."""
    old, new = before.split("\n"), after.split("\n")
    found = hunks(new, old)
    if all(_marks(old[h.start : h.end]) == _marks(new[h.good_start : h.good_end]) for h in found):
        return 0
    code_before, code_after = masked(before), masked(after)
    if code_before is None or code_after is None:
        return 0
    old, new = code_before.split("\n"), code_after.split("\n")
    ends = [(h.start, h.end, h.good_end - h.good_start) for h in found]
    lost = position = shift = 0
    for start, end, size in [*ends, (len(old), len(old), 0)]:
        pairs = ((old[at], new[at + shift]) for at in range(position, start))
        lost += sum(1 for was, is_now in pairs if was.strip() and not is_now.strip())
        position, shift = end, shift + size - (end - start)
    return lost


def _marks(lines: Sequence[str]) -> list[str]:
    """The signs that begin and end strings and comments, of each line that has any."""
    return [marks for line in lines if (marks := "".join(_MARKS.findall(line)))]


def _counts(line: str) -> bool:
    return is_code(line) and not _MARKUP.match(line)


def _code(line: str) -> str:
    """The line without a comment at its end, roughly: good enough to compare words."""
    return line.split("  #")[0]
