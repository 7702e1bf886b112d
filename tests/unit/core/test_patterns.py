"""Patterns are compiled when they are first used, and are then like any other."""

from __future__ import annotations

import re

import pytest

from sophia_cli.core.patterns import late_pattern


def test_a_late_pattern_finds_what_a_compiled_one_finds() -> None:
    text, flags = r"^(?P<key>\w+)=(\d+)$", re.MULTILINE
    late, compiled, said = late_pattern(text, flags), re.compile(text, flags), "a=1\nb=22\nc=\n"
    assert late.findall(said) == compiled.findall(said) == [("a", "1"), ("b", "22")]
    assert [found.span() for found in late.finditer(said)] == [found.span() for found in compiled.finditer(said)]
    assert late.sub("-", said) == compiled.sub("-", said)
    assert (found := late.search(said)) is not None
    assert found["key"] == "a"
    assert late.fullmatch("a=") is None
    assert late.match("a=1") is not None
    assert late.split("a=1") == compiled.split("a=1")
    assert (late.pattern, late.flags) == (compiled.pattern, compiled.flags)


def test_a_late_pattern_of_bytes_reads_bytes() -> None:
    assert late_pattern(rb"[^\r\n]+").findall(b"a\r\nb") == [b"a", b"b"]


def test_a_text_that_is_no_pattern_is_told_with_its_first_use() -> None:
    late = late_pattern("(")
    with pytest.raises(re.error, match="missing"):
        late.match("")


def test_a_late_pattern_is_compiled_once() -> None:
    late = late_pattern("a+")
    assert late.match == late.match
    assert not hasattr(late, "no_such_method")
