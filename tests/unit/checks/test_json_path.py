"""Paths into JSON: what is one, and where it leads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.project.settings.json_path import parse_json_path, values_at

DOCUMENT = {"items": [{"id": 1, "a key": "x"}, {"id": 2}], "total": 2, "none": None, "deep": {"items": [[5]]}}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$", [DOCUMENT]),
        ("$.total", [2]),
        ("$.none", [None]),
        ("$.items[0].id", [1]),
        ("$.items[-1].id", [2]),
        ("$.items[2].id", []),
        ("$.items[*].id", [1, 2]),
        ("$.items[*]['a key']", ["x"]),
        ('$["total"]', [2]),
        ("$.deep.items[0][0]", [5]),
        ("$.deep.*", [[[5]]]),
        ("$.total.id", []),
        ("$.items.id", []),
        ("$[0]", []),
    ],
)
def test_a_path_leads_to_its_values(path: str, values: list[object]) -> None:
    steps = parse_json_path(path)
    assert steps is not None
    assert values_at(DOCUMENT, steps) == values


@pytest.mark.parametrize("text", ["", "total", "$.", "$total", "$[x]", "$.items[", "$..id", "$.a b", "$[1", "$['a]"])
def test_what_is_no_path_is_said_to_be_none(text: str) -> None:
    assert parse_json_path(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_none(text: str) -> None:
    steps = parse_json_path(f"${text}")
    assert steps is None or values_at({}, steps) == [{}] or values_at({}, steps) == []
