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
    }
)
_METHOD = re.compile(r"(?:async\s+)?def\s+\w+\s*\(\s*(?:self|cls)\b")
# Whether a tool's line is wanted there at all, and where else, is for a person to say.
_PLACED = ("import", "decorator")
# A parameter's default, or its place, is part of what callers rely on.
_INTERFACE = ("before-drop", "at-give", "after-give", "before-give", "defaults", "parameters")


def is_doubtful(text: str, changes: Sequence[Change]) -> bool:
    """Return whether one of the changes is of a kind that is only a guess, or loses what somebody may miss."""
    lines = text.split("\n")
    return any(
        change.op in NEVER_SAFE
        or change.detail in ("words", "outside", *_INTERFACE)
        or change.token in ("=", "#")
        or _is_doubtful_indentation(lines, change)
        or _turns_text_to_code(change)
        or (change.op is Op.MOVE_LINE and change.detail.startswith(_PLACED))
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


def _turns_text_to_code(change: Change) -> bool:
    """Quotes of a docstring go, or a text that stood behind code becomes a statement."""
    if change.op is Op.DELETE_QUOTES:
        return change.detail.startswith("triple")
    return change.op is Op.SPLIT_LINE and change.lines[-1].lstrip()[:1] in ("'", '"')
