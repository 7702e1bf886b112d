"""A judge says of a whole text what the compiler says of it, however little of it was read again."""

from __future__ import annotations

import pytest

from sophia_cli.fixers.syntax.compiler import compile_fault, earliest_fault, quiet
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.model import SyntaxFault

_ABOVE = "".join(f"def step_{number}(value):\n    return value + {number}  # {'-' * 40}\n\n\n" for number in range(20))
_LAST = {
    "a bracket that stays open": "def last(value):\n    return (value\n",
    "a statement that does not parse": "class Last:\n    rate = 1 +\n",
    "an empty block": "def last(value):\n    if value:\n    return 1\n",
    "a return outside a function": "total = 1\nreturn total\n",
    "a parameter given twice": "def last(value, value):\n    return value\n",
    "a string without an end": "def last(value):\n    return 'value\n",
    "a fault above a string without an end": "def last(value):\n    x = = 1\n    y = 2\n    return 'value\n",
    "a bracket that closes nothing": "def last(value):\n    return value)\n",
}


def _first(text: str) -> SyntaxFault | None:
    return earliest_fault(text) or compile_fault(text)


@pytest.mark.parametrize("last", _LAST.values(), ids=_LAST)
def test_a_fault_in_the_last_piece_is_the_same_as_in_the_whole(last: str) -> None:
    text = _ABOVE + last

    with quiet():
        assert Judge().whole(text) == _first(text)


@pytest.mark.parametrize("last", _LAST.values(), ids=_LAST)
def test_what_is_known_of_a_piece_does_not_change_the_answer(last: str) -> None:
    judge, text = Judge(), _ABOVE + last

    with quiet():
        judge.whole(_ABOVE + "total = 2\n\n\n" + last)

        assert judge.whole(text) == _first(text)
