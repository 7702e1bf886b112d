"""Which repairs a person should look at, however sure the engine is of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import indent_unit, width_of

NEVER_SAFE = frozenset(
    {
        Op.DELETE_LINE,
        Op.DELETE_LINES,
        Op.DELETE_TOKENS,
        Op.COMMENT_LINES,
        Op.MERGE_CONFLICT,
        Op.OPEN_STRING,
        Op.INSERT_PASS,
        Op.UNCOMMENT_LINE,
        Op.ADD_HEADER,
        Op.ADD_ASYNC,
        Op.UNCOMMENT_TAIL,
    }
)
_METHOD = re.compile(r"(?:async\s+)?def\s+\w+\s*\(\s*(?:self|cls)\b")
_IMPORT = re.compile(r"\s*(?:import|from)\b")
# Whether a tool's line is wanted there at all, and where else, is for a person to say.
_PLACED = ("import", "decorator")
# What no longer waits, words in quotes, lines into the block above, a test that is returned; a parameter's default or
# place, which callers rely on; an argument passed otherwise than it was, or at another place; a call that was cut off.
_GUESSED = frozenset(
    {
        "words",
        "await",
        "await-in-function",
        "async",
        "asyncio-run",
        "await-of-coroutine",
        "outside",
        "outside-all",
        "outside-blank",
        "outside-step",
        "inner-backslash",
        "handler",
        "choice",
        "choice-end",
        "if-to-return",
        "before-drop",
        "at-give",
        "after-give",
        "before-give",
        "defaults",
        "sorted",
        "parameters",
        "injected",
        "at-name",
        "before-name",
        "after-name",
        "before-pass",
        "docstring-trailing-junk",
        "line-end-brackets",
    }
)


def is_guess(op: Op, detail: str, token: str) -> bool:
    """Return whether changes of a kind are only a guess, or lose what somebody may miss."""
    return (
        op in NEVER_SAFE
        or detail in _GUESSED
        or token in ("=", "#")
        or (op is Op.MOVE_LINE and detail.startswith(_PLACED))
        or (op is Op.DELETE_QUOTES and detail.startswith("triple"))
    )


def is_doubtful(text: str, changes: Sequence[Change]) -> bool:
    """Return whether one of the changes is a guess by its kind or by what it does to the text."""
    lines = text.split("\n")
    return any(
        is_guess(change.op, change.detail, change.token)
        or _is_doubtful_indentation(lines, change)
        or (change.op is Op.SPLIT_LINE and change.lines[-1].lstrip()[:1] in ("'", '"'))
        or (change.op is Op.DELETE_BRACKET and not "".join(change.lines).strip())
        or (change.op is Op.DELETE_TOKEN and change.token == "." and _IMPORT.match("".join(change.lines)))
        for change in changes
    )


def _is_doubtful_indentation(lines: Sequence[str], change: Change) -> bool:
    """Off the text's own steps, over a blank line into a block, or a method that leaves its class."""
    if change.kind is not Kind.INDENTATION or not change.lines:
        return False
    width = width_of(change.lines[0])
    if width % max(1, width_of(indent_unit(list(lines)))) != 0 or _METHOD.match(change.lines[0]):
        return True
    parted = 0 < change.start < len(lines) and not lines[change.start - 1].strip()
    return parted and width > width_of(lines[change.start])
