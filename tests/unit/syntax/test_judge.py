"""A judge says of a whole text what the compiler says of it, however little of it was read again."""

from __future__ import annotations

import textwrap
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.fixers.syntax.compiler import compile_fault, earliest_fault, quiet
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.syntax.sections import Sections

_EDITS = ("", "(", ")", '"""', "'", ":", "\n", "\n\n", "    ", "return ", "yield ", "global LIMIT\n", "#", "else:\n")
_WORDS = ("class A:\n", "    def f(self):\n", "        ", "x = 1", "\n", "\n\n", "'''", "(")
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


_CLASS = "class Steps:\n" + textwrap.indent(3 * _ABOVE, "    ").replace("(value)", "(self, value)")
_ODD = f'''"""Stands above a long class."""

from __future__ import annotations

LIMIT = 3


class Odd:
    """Says

    more than one line, and

    def this(is no code:
    """

    rates = [
        1,

        2,
    ]

    async def walk(self, things):
        async for thing in things:

            yield thing

    def count(self):
        global LIMIT
        LIMIT += 1

        def inner():
            nonlocal_names = LIMIT

            return nonlocal_names

        return inner()

    @property
    def text(
        self,
    ) -> str:

        try:
            value = self.read()

        except OSError:
            return ""

        return """a
    {"x" * 400}

    def f(
        """ + value

{textwrap.indent(_ABOVE, "    ")}

    def last(self):
        return await_all(self)
'''


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


@pytest.mark.parametrize("last", _LAST.values(), ids=_LAST)
def test_a_fault_in_the_last_method_of_a_long_class_is_the_same_as_in_the_whole(last: str) -> None:
    judge, text = Judge(), _CLASS + textwrap.indent(last, "    ")

    with quiet():
        judge.whole(_CLASS + "    total = 2\n\n" + textwrap.indent(last, "    "))

        assert judge.whole(text) == _first(text)


@given(edits=st.lists(st.tuples(st.integers(0, len(_ODD)), st.integers(0, 30), st.sampled_from(_EDITS)), max_size=4))
def test_whatever_is_changed_in_a_long_class_the_fault_is_that_of_the_whole(edits: list[tuple[int, int, str]]) -> None:
    judge = Judge()

    with quiet():
        for start, length, token in edits:
            text = _ODD[:start] + token + _ODD[start + length :]

            assert judge.whole(text) == _first(text)


@given(words=st.lists(st.sampled_from(_WORDS), max_size=30))
def test_sections_follow_one_another_from_the_first_character_to_the_last(words: list[str]) -> None:
    long = "".join(words) + _ODD
    found = Sections().of(long)

    assert found[0].start == 0
    assert found[-1].end == len(long)
    assert all(one.end == other.start for one, other in pairwise(found))


def test_a_long_class_is_cut_into_many_sections() -> None:
    with quiet():
        assert compile_fault(_ODD) is None
    assert len(Sections().of(_ODD)) > 5


def test_what_stands_before_a_change_is_not_read_again() -> None:
    judge = Judge()

    with quiet():
        judge.whole(_CLASS + "    a = 1\n")
        first = judge.spent
        judge.whole(_CLASS + "    a = 2\n")

    assert judge.spent - first < first / 2


def test_of_faults_that_only_the_whole_compiler_tells_the_first_is_told_though_a_cut_string_stands_between() -> None:
    string = f'TEXT = """\n{"words " * 60}\n\nname(is no code\n"""\n\n\n'
    text = f"def first(a, a):\n    return a\n\n\n{_ABOVE}{string}{_ABOVE}def last(b, b):\n    return b\n"

    with quiet():
        assert Judge().whole(text) == _first(text)
        assert _first(text) == compile_fault(text)
