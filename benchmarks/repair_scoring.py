"""How good a mended file is: does it compile, is it what a person wrote, and what did it lose on the way."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_NO_CODE = re.compile(r"\s*(?:#|$|<{7}|={7}|>{7}|`{3})")
# Longer stretches are judged by their lengths: a full comparison of them takes minutes.
_COMPARABLE = 6_000_000


@dataclass(frozen=True, slots=True)
class Score:
    """One mended text: whether it compiles, equals the person's tree or the least change to it, and what it lost."""

    compiles: bool
    exact: bool
    exact_or_least: bool
    lost_lines: int
    lost_definitions: int

    @property
    def safely(self) -> bool:
        """Whether the text compiles and nothing of the broken one is gone."""
        return self.compiles and self.lost_lines == 0 and self.lost_definitions == 0


def score(broken: str, mended: str, fixed: str, least: str) -> Score:
    """Compare a mended text with the broken one and with what a person made of it.

    `least` is the person's change without what compiling does not need. Lost lines are lines of code that are gone or
    commented out where fewer came back, unless their words stand elsewhere in the change. Lost definitions are `def`
    and `class` names of the broken text that the mended one's tree has less often.
    """
    tree = _tree(mended)
    if tree is None:
        return Score(False, False, False, lost_lines(broken, mended), 0)
    form = ast.dump(tree)
    wanted = [_form(fixed), _form(least)]
    named = Counter(
        node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    )
    missing = Counter(_DEFINED.findall(broken)) - named
    return Score(True, form == wanted[0], form in wanted, lost_lines(broken, mended), missing.total())


def lost_lines(before: str, after: str) -> int:
    """Return how many lines of code are gone or commented out, and neither moved nor joined."""
    old, new = _without_common_ends(before.splitlines(), after.splitlines())
    if len(old) * len(new) > _COMPARABLE:
        return max(0, len(old) - len(new))
    blocks = list(_changed_blocks(old, new))
    arrived = "\n".join(line for _, come in blocks for line in come)
    lost = 0
    for gone, come in blocks:
        surplus = len(gone) - len(come)
        if surplus > 0:
            vanished = [line for line in gone if line.strip().rstrip("\\").rstrip() not in arrived]
            lost += min(surplus, len(vanished))
    return lost


def _changed_blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the lines of code of both sides of every difference."""
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _code(old[start:end]), _code(new[new_start:new_end])


def _code(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if not _NO_CODE.match(line)]


def _without_common_ends(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    rest = shorter - head
    tail = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    return old[head : len(old) - tail], new[head : len(new) - tail]


def _tree(text: str) -> ast.Module | None:
    """Return the tree of a text that compiles, None for another."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "<mended>", "exec", dont_inherit=True)
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _form(text: str) -> str | None:
    tree = _tree(text)
    return None if tree is None else ast.dump(tree)
