"""The tolerant scanner against CPython's own tokenizer, and on text that does not parse."""

from __future__ import annotations

import io
import sysconfig
import time
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.fixers.syntax.tokens import TokenKind, scan

STRUCTURE = {tokenize.NEWLINE: "NEWLINE", tokenize.INDENT: "INDENT", tokenize.DEDENT: "DEDENT"}
SOLID = {tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP, tokenize.COMMENT}


def expected_tokens(text: str) -> list[tuple[str, int, int]]:
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in STRUCTURE:
            found.append((STRUCTURE[token.type], 0, 0))
        elif token.type in SOLID:
            found.append((token.string, token.start[0], token.start[1] + 1))
    return found


def scanned_tokens(text: str) -> list[tuple[str, int, int]]:
    return [
        (str(token.kind), 0, 0) if str(token.kind) in STRUCTURE.values() else (token.text, token.line, token.column)
        for token in scan(text).tokens
    ]


@pytest.mark.parametrize("name", ["argparse", "ast", "dataclasses", "glob", "imaplib", "tarfile", "typing"])
def test_valid_code_gives_the_tokens_that_cpython_gives(name: str) -> None:
    text = (Path(sysconfig.get_path("stdlib")) / f"{name}.py").read_text("utf-8")
    assert [t for t in scanned_tokens(text) if not t[0].startswith("#")] == [
        t for t in expected_tokens(text) if not t[0].startswith("#")
    ]
    assert [t for t in scanned_tokens(text) if t[0].startswith("#")] == [
        t for t in expected_tokens(text) if t[0].startswith("#")
    ]


@given(st.text(alphabet="ab1 \t\n\\\"'#()[]{}:,=.frb$\x0cé", max_size=80))
def test_any_text_is_read_without_an_exception_and_every_visible_character_has_a_token(text: str) -> None:
    covered = [False] * len(text)
    for token in scan(text).tokens:
        assert text[token.start : token.end] == token.text
        for index in range(token.start, token.end):
            assert not covered[index]
            covered[index] = True
    left = "".join(character for character, seen in zip(text, covered, strict=True) if not seen)
    assert not left.replace("\\\n", "").strip()


def test_a_string_without_its_end_stops_at_the_end_of_its_line() -> None:
    found = scan('x = "a, b\ny = 1\n')
    assert [found.tokens[i].text for i in found.unterminated] == ['"a, b']
    assert [token.text for token in found.tokens][-5:] == ["\n", "y", "=", "1", "\n"]


def test_a_triple_quoted_string_without_its_end_takes_the_rest() -> None:
    found = scan('x = """a\nb\n')
    assert [found.tokens[i].text for i in found.unterminated] == ['"""a\nb\n']


def test_brackets_are_paired_and_those_without_a_partner_are_named() -> None:
    found = scan("f(a[0], b))\ng([1, 2)\n")
    pairs = [(found.tokens[a].text, found.tokens[b].text) for a, b in found.pairs]
    assert pairs == [("[", "]"), ("(", ")"), ("[", ")")]
    assert [found.tokens[i].column for i in found.unopened] == [11]
    assert [found.tokens[i].text for i in found.unclosed] == ["("]


def test_a_bracket_that_is_never_closed_ends_where_a_statement_must_begin() -> None:
    found = scan("x = f(1,\n      2\n\ndef g():\n    return 1\n")
    first_words = [found.tokens[i].text for i in found.logical_lines]
    assert first_words == ["x", "def", "return"]
    assert [token.text for token in found.brackets_at(2)] == ["("]
    assert found.brackets_at(4) == ()


def test_open_brackets_are_told_for_every_line() -> None:
    found = scan("f(\n    [\n        1,\n    ],\n)\nx = 1\n")
    lines = ["".join(token.text for token in found.brackets_at(line)) for line in range(1, 7)]
    assert lines == ["", "(", "([", "([", "(", ""]


def test_indentation_counts_tabs_to_the_next_multiple_of_eight_and_starts_again_after_a_form_feed() -> None:
    kinds = [token.kind for token in scan("if x:\n\ty\n        z\n\x0cw\n").tokens]
    assert kinds.count(TokenKind.INDENT) == 1
    assert kinds.count(TokenKind.DEDENT) == 1


@pytest.mark.parametrize(
    "unit", ["(", '"', "'''", "x = '\\", " " * 9 + "\n", "f'{", "\\\n", "0x", '"""" ', "\t", "# ", "if x:\n "]
)
def test_reading_takes_time_in_proportion_to_the_length(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        best = 1e9
        for _ in range(3):
            begin = time.process_time()
            scan(text)
            best = min(best, time.process_time() - begin)
        return best

    assert seconds(80_000) < 40 * max(seconds(8_000), 0.0005)
