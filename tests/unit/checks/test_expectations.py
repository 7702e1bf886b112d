"""Expected values: JSON's own idea of equality and of types."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.checks.expectations import equal, has_type, unmet
from sophia_cli.checks.templates import fill_json, fill_path, fill_text
from sophia_cli.project.settings.check_model import Expectation, JsonType, Operator

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_equals_itself_and_has_a_type(value: object) -> None:
    again = json.loads(json.dumps(value))
    assert equal(value, again)
    assert unmet(Expectation("$", Operator.EQUALS, json.dumps(value)), again) is None
    assert any(has_type(value, kind) for kind in JsonType)


@pytest.mark.parametrize(
    ("left", "right", "is_equal"),
    [(1, 1.0, True), (1, True, False), (0, False, False), ([1], [1, 2], False), ({"a": 1}, {"a": 1.0}, True)],
)
def test_numbers_are_numbers_and_booleans_are_not(left: object, right: object, is_equal: bool) -> None:
    assert equal(left, right) is is_equal


def test_a_whole_number_with_a_fraction_of_zero_is_an_integer() -> None:
    assert has_type(2.0, JsonType.INTEGER)
    assert not has_type(2.5, JsonType.INTEGER)
    assert not has_type(True, JsonType.INTEGER)


def test_captured_values_keep_their_type_where_they_stand_alone() -> None:
    variables = {"id": 7, "name": "a/b c"}
    assert fill_json({"x": "{id}", "y": ["no {id} {other}"], "z": 3}, variables) == {
        "x": 7,
        "y": ["no 7 {other}"],
        "z": 3,
    }
    assert fill_path("/things/{name}/{id}", variables) == "/things/a%2Fb%20c/7"
    assert fill_text("{name}", variables) == "a/b c"
