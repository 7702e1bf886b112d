"""Edits of arguments: whatever the call looks like, one argument goes or is renamed and everything else stays."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.core.plan import splice
from sophia_cli.fixers.rules.calls._edits import calls_in, removed, renamed, source_call
from sophia_cli.project.code.calls import Call
from sophia_cli.project.code.extract_calls import calls_of
from sophia_cli.project.source import SourceText, decode

GAPS = ("", " ", "\n    ", "  # why\n    ", "\n\n    # above\n    ")
VALUES = ("1", '"ü, ("', "(1,\n     2)", "[x for x in y]", "{'a': 1}", "f(b=2)")


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str]:
    """Return a file with one call of `run`, and the keyword to work on."""
    names = [f"k{index}" for index in range(draw(st.integers(1, 4)))]
    parts = ["v"] * draw(st.integers(0, 1)) + [f"{name}={draw(st.sampled_from(VALUES))}" for name in names]
    text = "run("
    for index, part in enumerate(parts):
        text += draw(st.sampled_from(GAPS)) + part
        is_last = index == len(parts) - 1
        text += draw(st.sampled_from(("", ","))) if is_last else draw(st.sampled_from(("", " "))) + ","
    text += draw(st.sampled_from(GAPS)) + ")\n"
    ending = draw(st.sampled_from(("\n", "\r\n")))
    return ("def run(v): ...\n\n\n" + text + "other = 1\n").replace("\n", ending), draw(st.sampled_from(names))


def read(text: str) -> tuple[SourceText, Call]:
    source = decode(text.encode())
    assert isinstance(source, SourceText)
    (call,) = (call for call in calls_of(ast.parse(source.text), source.text).calls if call.written == "run")
    return source, call


def shape(data: bytes) -> dict[str | None, str]:
    (call,) = (
        node
        for node in ast.walk(ast.parse(data))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "run"
    )
    return {keyword.arg: ast.dump(keyword.value) for keyword in call.keywords}


@given(calls())
def test_taking_an_argument_out_leaves_the_others_as_they_are(made: tuple[str, str]) -> None:
    text, name = made
    source, call = read(text)
    (keyword,) = (keyword for keyword in call.keywords if keyword.name == name)
    found = source_call(calls_in(source, [call.line]), call)
    assert found is not None
    edit = removed(source, found, keyword, "app.py")
    assert edit is not None
    after = splice(source.data, (edit,))
    wanted = shape(source.data)
    del wanted[name]
    assert shape(after) == wanted
    assert after.endswith(source.data[source.data.index(b"other = 1") :])


@given(calls())
def test_a_new_name_is_all_that_changes(made: tuple[str, str]) -> None:
    text, name = made
    source, call = read(text)
    (keyword,) = (keyword for keyword in call.keywords if keyword.name == name)
    edit = renamed(source, keyword, "renamed", "app.py")
    assert edit is not None
    after = splice(source.data, (edit,))
    assert {("renamed" if key == name else key): value for key, value in shape(source.data).items()} == shape(after)
    assert after.count(b"renamed=") == 1
    assert after.replace(b"renamed=", name.encode() + b"=") == source.data
