"""Halving finds what spoils the whole."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.fixers.mending.bisect import split_good


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 60), st.sets(st.integers(0, 59)))
def test_exactly_the_culprits_are_rejected(count: int, culprits: set[int]) -> None:
    items = list(range(count))
    kept, rejected = split_good(items, lambda some: not culprits.intersection(some))
    assert kept == [item for item in items if item not in culprits]
    assert rejected == [item for item in items if item in culprits]


def test_of_two_that_only_clash_together_the_later_is_rejected() -> None:
    kept, rejected = split_good(list(range(8)), lambda some: not {2, 5} <= set(some))
    assert (kept, rejected) == ([0, 1, 2, 3, 4, 6, 7], [5])


def test_one_culprit_among_many_costs_few_questions() -> None:
    asked: list[Sequence[int]] = []

    def is_good(some: Sequence[int]) -> bool:
        asked.append(some)
        return 700 not in some

    split_good(list(range(1024)), is_good)
    assert len(asked) <= 21


def test_nothing_is_asked_about_nothing() -> None:
    assert split_good([], lambda some: 1 / 0 > 0) == ([], [])
