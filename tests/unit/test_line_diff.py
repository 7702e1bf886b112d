"""Comparing versions by lines: hunks rebuild the other version, and long files stay fast."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.fixers.syntax.line_diff import Hunk, Slot, hunks, slots

LINES = st.lists(st.sampled_from(["", "a", "b", "    )", "def f(", "x = 1", "y"]), max_size=40)


@given(LINES, LINES)
def test_hunks_lead_from_one_version_to_the_other_and_back(good: list[str], broken: list[str]) -> None:
    found = hunks(good, broken)
    rebuilt, position = [], 0
    for hunk in found:
        rebuilt += broken[position : hunk.start] + good[hunk.good_start : hunk.good_end]
        position = hunk.end
    assert rebuilt + broken[position:] == good
    assert all(a.end < b.start and a.good_end < b.good_start for a, b in pairwise(found))


@given(LINES, LINES)
def test_slots_hold_every_line_of_both_sides_in_order(good: list[str], broken: list[str]) -> None:
    row = slots(good, broken)
    assert [slot.good for slot in row if slot.good is not None] == good
    assert [slot.broken for slot in row if slot.broken is not None] == broken


def test_equal_versions_have_no_hunks() -> None:
    assert hunks(["a", "b"], ["a", "b"]) == ()


def test_changes_with_a_common_line_between_are_separate() -> None:
    assert hunks(["a", "b", "c"], ["A", "b", "C"]) == (Hunk(0, 1, 0, 1), Hunk(2, 3, 2, 3))


def test_a_commented_and_an_indented_line_stand_beside_what_they_were() -> None:
    row = slots(["    log(", "        text)", "end()"], ["    # log(", "    text)"])
    assert row == (Slot("    log(", "    # log("), Slot("        text)", "    text)"), Slot("end()", None))


def test_a_long_file_with_many_changes_costs_no_quadratic_comparison() -> None:
    class Line(str):
        """A line that counts how often it is compared."""

        __slots__ = ()
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Line.compared += 1
            return str.__eq__(self, other)

    good = [Line("    )" if i % 3 else f"value_{i} = call(") for i in range(20_000)]
    broken = [line for i, line in enumerate(good) if i % 50 != 1]
    assert len(hunks(good, broken)) == 400
    assert Line.compared < 30 * len(good)
