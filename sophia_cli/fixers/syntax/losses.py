"""What a repair would lose: lines of code and definitions that stand in the broken text and not in the mended one."""

from __future__ import annotations

import re
from collections import Counter

from sophia_cli.fixers.syntax.line_diff import hunks
from sophia_cli.fixers.syntax.site import is_code

_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.M)
_MARKUP = re.compile(r"\s*(?:<{7}|={7}|>{7}|\|{7}|```|~~~)")
_WORDS = re.compile(r"\w+")


def lost_lines(before: str, after: str) -> int:
    """Return how many lines of code `after` has less than `before` where they differ, counting commented-out ones.

    A line whose words all stand again in the lines that replace it is moved or joined, not lost.
    """
    old, new = before.split("\n"), after.split("\n")
    lost = 0
    for hunk in hunks(new, old):
        gone = [line for line in old[hunk.start : hunk.end] if _counts(line)]
        come = [line for line in new[hunk.good_start : hunk.good_end] if _counts(line)]
        net = len(gone) - len(come)
        if net <= 0:
            continue
        words = Counter(_WORDS.findall("\n".join(_code(line) for line in come)))
        missing = [line for line in gone if Counter(_WORDS.findall(_code(line))) - words]
        lost += min(net, len(missing))
    return lost


def lost_words(before: str, after: str) -> int:
    """Return how many words of code (names, numbers, keywords) the repair takes away."""
    old, new = before.split("\n"), after.split("\n")
    gone: Counter[str] = Counter()
    come: Counter[str] = Counter()
    for hunk in hunks(new, old):
        gone.update(_WORDS.findall("\n".join(_code(x) for x in old[hunk.start : hunk.end] if _counts(x))))
        come.update(_WORDS.findall("\n".join(_code(x) for x in new[hunk.good_start : hunk.good_end] if _counts(x))))
    return sum((gone - come).values())


def lost_definitions(before: str, after: str) -> int:
    """Return how many functions and classes the repair takes away."""
    return sum((Counter(_DEFINITION.findall(before)) - Counter(_DEFINITION.findall(after))).values())


def _counts(line: str) -> bool:
    return is_code(line) and not _MARKUP.match(line)


def _code(line: str) -> str:
    """The line without a comment at its end, roughly: good enough to compare words."""
    return line.split("  #")[0]
