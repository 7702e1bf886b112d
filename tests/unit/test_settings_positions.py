"""Positions in a TOML text agree with what the TOML parser reads from it."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.project.settings.positions import Path, Position, index_positions

TEXT = '''\
# a comment with [brackets] and = signs
top = 1 # trailing
"quoted \\u006bey" = 'lit]eral'
a.b . c = [ [1, 2], { x = "}" }, """
long ] "string" """, \'\'\'other
, one\'\'\' ]

[table."with.dot"]
date = 1979-05-27T07:32:00Z
inline = { one = 1, two.three = [ "a", # why
  "b" ] }

[[rows]]
n = 1
[rows.inner]
n = 2
[[rows]]
n = 3
[[rows.deep]]
n = 4
'''


def paths(value: object, path: Path = ()) -> list[Path]:
    if isinstance(value, dict):
        return [path, *(inner for key, item in value.items() for inner in paths(item, (*path, key)))]
    if isinstance(value, list):
        return [path, *(inner for number, item in enumerate(value) for inner in paths(item, (*path, number)))]
    return [path]


def test_every_key_and_value_has_a_position() -> None:
    index = index_positions(TEXT)
    for path in paths(tomllib.loads(TEXT))[1:]:
        assert index.key(path) is not None, path
        assert index.value(path) is not None, path


def test_positions_are_lines_and_columns_from_1() -> None:
    index = index_positions(TEXT)
    assert index.key(("quoted key",)) == Position(3, 1)
    assert index.value(("quoted key",)) == Position(3, 21)
    assert index.value(("a", "b", "c", 0, 1)) == Position(4, 17)
    assert index.value(("a", "b", "c", 2)) == Position(4, 34)
    assert index.value(("a", "b", "c", 3)) == Position(5, 22)
    assert index.key(("table", "with.dot", "inline", "two", "three")) == Position(10, 21)
    assert index.value(("table", "with.dot", "inline", "two", "three", 1)) == Position(11, 3)
    assert index.value(("rows", 0, "inner", "n")) == Position(16, 5)
    assert index.value(("rows", 1, "n")) == Position(18, 5)
    assert index.value(("rows", 1, "deep", 0, "n")) == Position(20, 5)
    assert index.key(("absent",)) is None


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="[]{}=,.\"'\\#\n ab1", max_size=60))
def test_no_text_makes_the_scanner_fail_or_hang(text: str) -> None:
    index_positions(text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="[]{}=,.\"'#\n ab1", max_size=25))
def test_whatever_is_toml_has_all_its_positions(text: str) -> None:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    index = index_positions(text)
    assert all(index.key(path) for path in paths(content)[1:])
