"""Edits on edits stay edits over the original."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.core.findings import Edit
from sophia_cli.core.plan import splice
from sophia_cli.fixers.mending.compose import LineMap, OwnedEdit, compose, original_offset

_DATA = st.binary(max_size=40)


def as_edits(owned: tuple[OwnedEdit, ...]) -> list[Edit]:
    return [Edit("f", e.start, e.end, e.replacement) for e in owned]


@st.composite
def disjoint_edits(draw: st.DrawFn, size: int) -> list[Edit]:
    cuts = sorted(draw(st.lists(st.integers(0, size), max_size=8, unique=True)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return [Edit("f", start, end, draw(st.binary(max_size=6))) for start, end in pairs]


@settings(deadline=None, max_examples=100)
@given(_DATA, st.data())
def test_composed_edits_give_what_the_rounds_gave(original: bytes, data: st.DataObject) -> None:
    owned: tuple[OwnedEdit, ...] = ()
    current = original
    for number in range(4):
        edits = data.draw(disjoint_edits(len(current)))
        owned = compose(owned, [(edit, number) for edit in edits])
        current = splice(current, edits)
        assert splice(original, as_edits(owned)) == current


@settings(deadline=None, max_examples=100)
@given(_DATA, st.data())
def test_bytes_that_no_edit_made_map_to_where_they_came_from(original: bytes, data: st.DataObject) -> None:
    owned: tuple[OwnedEdit, ...] = ()
    current = original
    for number in range(3):
        edits = data.draw(disjoint_edits(len(current)))
        owned = compose(owned, [(edit, number) for edit in edits])
        current = splice(current, edits)
    made = {
        position
        for place, edit in zip(_places(owned), owned, strict=True)
        for position in range(place, place + len(edit.replacement))
    }
    for position in set(range(len(current))) - made:
        assert original[original_offset(owned, position)] == current[position]


def _places(owned: tuple[OwnedEdit, ...]) -> list[int]:
    places, shift = [], 0
    for edit in owned:
        places.append(edit.start + shift)
        shift += len(edit.replacement) - (edit.end - edit.start)
    return places


def test_an_edit_inside_the_text_of_another_has_both_owners() -> None:
    first = compose((), [(Edit("f", 2, 4, b"XYZ"), 0)])
    assert compose(first, [(Edit("f", 3, 4, b"-"), 1)]) == (OwnedEdit(2, 4, b"X-Z", frozenset({0, 1})),)


def test_an_edit_apart_from_another_keeps_its_own_owner() -> None:
    first = compose((), [(Edit("f", 0, 1, b"long"), 0)])
    assert compose(first, [(Edit("f", 8, 9, b"-"), 1)])[1] == OwnedEdit(5, 6, b"-", frozenset({1}))


def test_overlapping_edits_of_one_round_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        compose((), [(Edit("f", 0, 3, b""), 0), (Edit("f", 2, 4, b""), 1)])


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_lines_after_an_insertion_map_back(ending: bytes) -> None:
    before = ending.join([b"one", b"two", b"three", b""])
    start = before.index(b"two")
    owned = (OwnedEdit(start, start, b"new" + ending, frozenset()),)
    after = splice(before, as_edits(owned))
    lines = LineMap(before, after, owned)
    assert [lines.before(number) for number in (1, 2, 3, 4)] == [1, 2, 2, 3]
