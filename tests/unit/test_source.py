"""Bytes to text and back: nothing that an edit does not name may change, and CPython decides what is text."""

from __future__ import annotations

import codecs
import importlib.util
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.core.findings import Edit
from sophia_cli.core.plan import splice
from sophia_cli.fixers.analysis import compile_fault
from sophia_cli.project.source import (
    SourceText,
    UndecodableSource,
    declared_encoding,
    decode,
    line_edits,
)

_COOKIES = ("latin-1", "cp1252", "iso-8859-15", "shift_jis", "gb18030", "euc-jp", "iso-2022-jp", "utf-7", "koi8-r")
_ENDINGS = st.sampled_from(["\n", "\r\n", "\r"])
_CHARACTERS = st.sampled_from(" \tax1=#'\"(){}:\\\x0c\x0b\x1c\x85\xa0é\u2028\ufeffжあ🐍")
_LINE = st.text(_CHARACTERS, max_size=12)


@st.composite
def sources(draw: st.DrawFn) -> bytes:
    """Files of mixed line endings, with and without a last newline, in many encodings."""
    lines = draw(st.lists(_LINE, max_size=8))
    cookie = draw(st.sampled_from(["", *_COOKIES]))
    if cookie:
        lines.insert(draw(st.integers(0, min(1, len(lines)))), f"# coding: {cookie}")
        if lines[0] != f"# coding: {cookie}":
            lines[0] = "#"
    text = "".join(line + draw(_ENDINGS) for line in lines)
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    data = text.encode(cookie or "utf-8", "replace")
    return codecs.BOM_UTF8 + data if not cookie and draw(st.booleans()) else data


@st.composite
def replacements(draw: st.DrawFn) -> tuple[SourceText, int, int, list[str]]:
    """A file that decodes, and lines of it to replace by others that its encoding has."""
    source = decode(draw(sources()))
    if not isinstance(source, SourceText):
        source = decode(b"a\nb\r\nc")
        assert isinstance(source, SourceText)
    count = len(source.lines)
    declares = not source.bom and declared_encoding(source.data) != "utf-8"
    start = draw(st.integers(min(2, count) if declares else 0, count))
    end = draw(st.integers(start, count))
    alphabet = (
        st.sampled_from(" ax1=é") if source.encoding in ("utf-8", "iso8859-1", "cp1252") else st.sampled_from(" ax1=")
    )
    lines = draw(st.lists(st.text(alphabet, max_size=6), max_size=4))
    if lines and end == count and lines[-1] == "" and draw(st.booleans()):
        lines[-1] = "x"
    return source, start, end, lines


def _bytes_compile(data: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, "x", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _decodes(data: bytes) -> bool:
    try:
        importlib.util.decode_source(data)
    except (SyntaxError, ValueError, LookupError):
        return False
    return True


@given(sources())
def test_text_and_endings_put_together_are_the_file(data: bytes) -> None:
    source = decode(data)
    assert isinstance(source, SourceText)
    text = "".join(line + ending for line, ending in zip(source.lines, source.endings, strict=True))
    if source.encoding not in ("utf-7", "iso2022_jp"):
        assert text.encode(source.encoding) == (data[3:] if source.bom else data)
    assert source.bom == data.startswith(codecs.BOM_UTF8)


@given(sources())
def test_a_file_is_valid_python_exactly_when_its_text_is(data: bytes) -> None:
    source = decode(data)
    assert isinstance(source, SourceText)
    assert (compile_fault(source.text) is None) == _bytes_compile(data)


@given(
    st.binary(max_size=60) | st.builds(lambda n, b: b"# coding: " + n + b"\n" + b, st.binary(max_size=8), st.binary())
)
def test_bytes_that_are_refused_are_bytes_that_python_refuses(data: bytes) -> None:
    source = decode(data)
    if isinstance(source, UndecodableSource):
        assert not _bytes_compile(data) or not _decodes(data)
        assert 0 <= source.offset <= len(data)
    else:
        assert (compile_fault(source.text) is None) == _bytes_compile(data)


@given(replacements())
def test_an_edit_of_lines_changes_these_lines_and_no_other_byte(case: tuple[SourceText, int, int, list[str]]) -> None:
    source, start, end, lines = case
    edit = line_edits(source, start, end, lines, "a.py")
    changed = decode(splice(source.data, (edit,)))
    assert isinstance(changed, SourceText)
    expected = source.lines[:start] + lines + source.lines[end:]
    if changed.encoding == source.encoding and changed.bom == source.bom:
        shown = changed.lines + [""] * (len(expected) - len(changed.lines))
        assert shown == expected or (expected and expected[-1] == "" and shown == expected[:-1])
    before = sum(len((line + ending).encode(source.encoding)) for line, ending in _pairs(source)[:start])
    if source.encoding not in ("utf-7", "iso2022_jp"):
        assert edit.start >= before


@given(replacements())
def test_an_edit_can_be_turned_back(case: tuple[SourceText, int, int, list[str]]) -> None:
    source, start, end, lines = case
    edit = line_edits(source, start, end, lines, "a.py")
    changed = splice(source.data, (edit,))
    back = Edit("a.py", edit.start, edit.start + len(edit.replacement), source.data[edit.start : edit.end])
    assert splice(changed, (back,)) == source.data


@given(sources(), st.data())
def test_lines_replaced_by_themselves_change_nothing(data: bytes, draw: st.DataObject) -> None:
    source = decode(data)
    assert isinstance(source, SourceText)
    start = draw.draw(st.integers(0, len(source.lines)))
    end = draw.draw(st.integers(start, len(source.lines)))
    edit = line_edits(source, start, end, source.lines[start:end], "a.py")
    assert splice(data, (edit,)) == data
    assert edit.start == edit.end


def _pairs(source: SourceText) -> list[tuple[str, str]]:
    return list(zip(source.lines, source.endings, strict=True))


@pytest.mark.parametrize(
    ("data", "start", "end", "lines", "expected"),
    [
        (b"a\r\nb\r\nc\r\n", 1, 2, ["x", "y"], b"a\r\nx\r\ny\r\nc\r\n"),
        (b"a\rb\rc", 2, 3, ["x", "y"], b"a\rb\rx\ry"),
        (b"a\r\nb", 2, 2, ["x"], b"a\r\nb\r\nx"),
        (b"a\r\nb\n", 2, 2, ["x", "y"], b"a\r\nb\nx\ny\n"),
        (b"a\nb\n", 0, 0, ["x"], b"x\na\nb\n"),
        (b"a\nb", 1, 2, [], b"a\n"),
        (b"", 0, 0, ["x", "y"], b"x\ny\n"),
        (codecs.BOM_UTF8 + b"a\r\n", 0, 1, ["b"], codecs.BOM_UTF8 + b"b\r\n"),
        ("# coding: latin-1\né\n".encode("latin-1"), 1, 2, ["éü"], "# coding: latin-1\néü\n".encode("latin-1")),
        ("a\x0cb\x85c\u2028d\ne\n".encode(), 1, 2, ["x"], "a\x0cb\x85c\u2028d\nx\n".encode()),
        ("é\n".encode(), 0, 1, ["è"], "è\n".encode()),
    ],
)
def test_edits_keep_the_style_of_the_file(data: bytes, start: int, end: int, lines: list[str], expected: bytes) -> None:
    source = decode(data)
    assert isinstance(source, SourceText)
    assert splice(data, (line_edits(source, start, end, lines, "a.py"),)) == expected


def test_an_edit_never_cuts_a_character_in_two() -> None:
    source = decode("x = 'é'\n".encode())
    assert isinstance(source, SourceText)
    edit = line_edits(source, 0, 1, ["x = 'è'"], "a.py")
    assert edit.replacement == "è".encode()


def test_a_character_that_the_encoding_lacks_is_refused() -> None:
    source = decode(b"# coding: latin-1\na\n")
    assert isinstance(source, SourceText)
    with pytest.raises(UnicodeEncodeError):
        line_edits(source, 1, 2, ["→"], "a.py")


def test_lines_outside_the_file_are_refused() -> None:
    source = decode(b"a\n")
    assert isinstance(source, SourceText)
    with pytest.raises(ValueError):
        line_edits(source, 0, 2, ["x"], "a.py")


@pytest.mark.parametrize("edits", [((0, 2), (1, 3)), ((0, 9),), ((2, 1),)])
def test_edits_that_overlap_or_leave_the_file_are_refused(edits: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError):
        splice(b"abcd", tuple(Edit("a.py", start, end, b"") for start, end in edits))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"# -*- coding: utf-8-unix -*-\n", "utf-8"),
        (b"# coding=Latin_1-dos\n", "iso-8859-1"),
        (b"#!/bin/x\r# vim: set fileencoding=cp1252 :\r", "cp1252"),
        (b"x = 1\n# coding: cp1252\n", "utf-8"),
        (b"\n\n# coding: cp1252\n", "utf-8"),
        (b"\x0c# coding: cp1252\n", "cp1252"),
    ],
)
def test_declared_encodings_are_found_as_python_finds_them(data: bytes, encoding: str) -> None:
    assert declared_encoding(data) == encoding


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"x = 1\ny = '\xe9'\n", 11),
        (codecs.BOM_UTF8 + b"\xff", 3),
        (b"x = 1\0\n", 5),
        (b"# coding: klingon\n", 0),
        (b"# coding: zlib\n", 0),
        (b"# coding: rot13\n", 0),
        (b"# coding: mbcs\n", 0),
        (b"# coding: utf-16\nx", 0),
        (codecs.BOM_UTF8 + b"# coding: latin-1\n", 0),
        (b"# coding: unicode_escape\nx = 1\\n\n", 0),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(data: bytes, offset: int) -> None:
    source = decode(data)
    assert isinstance(source, UndecodableSource)
    assert source.offset == offset


@pytest.mark.parametrize(
    ("data", "start", "end", "lines", "expected"),
    [
        (b"\n\r1\n\n", 2, 3, ["", "1"], ["", "", "", "1", ""]),
        (b"a\rb\n\nc\n", 1, 2, [], ["a", "", "c"]),
        (b"a\rb\r\n\nc\n", 1, 2, ["x", "y"], ["a", "x", "y", "", "c"]),
    ],
)
def test_a_carriage_return_alone_never_meets_a_line_feed(
    data: bytes, start: int, end: int, lines: list[str], expected: list[str]
) -> None:
    source = decode(data)
    assert isinstance(source, SourceText)
    changed = decode(splice(data, (line_edits(source, start, end, lines, "a.py"),)))
    assert isinstance(changed, SourceText)
    assert changed.lines == expected
