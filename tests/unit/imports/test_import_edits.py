"""Edits of imports: the bytes around them stay as they are, in any encoding and with any line ends."""

from __future__ import annotations

import ast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from imported_project import graph_of

from sophia_cli.core.plan import splice
from sophia_cli.fixers.rules.imports._findings import place_edits
from sophia_cli.fixers.rules.imports._names import from_several
from sophia_cli.fixers.rules.imports._redirect import redirect_edits
from sophia_cli.project.code.facts import Place
from sophia_cli.project.source import SourceText, decode


def source_of(data: bytes) -> SourceText:
    source = decode(data)
    assert isinstance(source, SourceText)
    return source


def redirected(text: str, written: str) -> str | None:
    source = source_of(text.encode())
    item = graph_of({"app.py": text}).imports_of("app.py")[-1]
    edits = redirect_edits(source, item, written)
    return None if edits is None else splice(source.data, edits).decode()


@pytest.mark.parametrize(
    ("before", "written", "after"),
    [
        ("from a.b import c\n", "x.y", "from x.y import c\n"),
        ("from a.b import (  # why\n    c,\n)\n", ".y", "from .y import (  # why\n    c,\n)\n"),
        ("from .b import c; d = 1\n", "..y", "from ..y import c; d = 1\n"),
        ("import a.b as c\nc.d\n", "x", "import x as c\nc.d\n"),
        ("import a.b\na.b.c(a.b.d)\n", "x.y", "import x.y\nx.y.c(x.y.d)\n"),
        ("import a.b\nprint(a)\n", "x.y", None),
        ("import a.c, a.b\na.b.d\n", "x.y", None),
        ("import a.b\nx = a.b.\\\n    c\n", "x.y", "import x.y\nx = x.y.\\\n    c\n"),
        ("import a.b as c\n", ".y", None),
        ("from a.b import c\n", "..", None),
        ("import a.b\nname = 'a.b'\nü = a.b.c\n", "x.y", "import x.y\nname = 'a.b'\nü = x.y.c\n"),
    ],
)
def test_a_redirect_changes_the_module_and_its_uses_or_nothing(before: str, written: str, after: str | None) -> None:
    assert redirected(before, written) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from a import b, c\n", "from x import b\nfrom a import c\n"),
        ("def f():\n    from a import b, c as d\n", "def f():\n    from x import b\n    from a import c as d\n"),
        ("from a import (\n  b,\n  c,\n)\n", "from x import b\nfrom a import (\n  c,\n)\n"),
        ("from a import b\n", "from x import b\n"),
        ("from a import b, c  # both\n", None),
        ("from a import b, c; d = 1\n", None),
    ],
)
def test_one_name_moves_to_another_module(before: str, after: str | None) -> None:
    source = source_of(before.encode())
    item = graph_of({"app.py": before}).imports_of("app.py")[0]
    edits = from_several(source, item, {"x": item.fact.names[:1]})
    assert (None if edits is None else splice(source.data, edits).decode()) == after


@given(
    st.lists(st.text(alphabet="aé \t=", max_size=8), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "# -*- coding: latin-1 -*-"]),
    st.booleans(),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_an_edit_at_a_place_changes_that_place_only(
    lines: list[str], ending: str, cookie: str, bom: bool, data: st.DataObject
) -> None:
    lines = [cookie, *lines] if cookie else lines
    encoding = "latin-1" if cookie else "utf-8"
    raw = (b"\xef\xbb\xbf" if bom and not cookie else b"") + ending.join(lines).encode(encoding)
    source = source_of(raw)
    first = 2 if cookie else 1
    assume(first <= len(source.lines))
    line = data.draw(st.integers(first, len(source.lines)))
    old = source.lines[line - 1]
    start = data.draw(st.integers(0, len(old)))
    end = data.draw(st.integers(start, len(old)))
    edits = place_edits(source, [(Place(line, start + 1, line, end + 1), "nü")], "app.py")
    changed = source_of(splice(raw, edits))
    expected = source.lines
    expected[line - 1] = old[:start] + "nü" + old[end:]
    assert (changed.lines, changed.endings, changed.bom) == (expected, source.endings, source.bom)


def test_what_the_encoding_lacks_is_not_written() -> None:
    text = "# -*- coding: latin-1 -*-\nfrom a.b import c\n"
    item = graph_of({"app.py": text}).imports_of("app.py")[0]
    assert redirect_edits(source_of(text.encode("latin-1")), item, "x.я") is None
    assert ast.parse(text)
