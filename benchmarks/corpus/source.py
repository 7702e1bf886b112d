"""A valid file as breakers see it: lines, tokens, logical statements and the tree."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TypeVar

from sophia_cli.fixers.syntax.tokens import Scan, Token, TokenKind, scan

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """Lines [start, end), from 0, become `replacement`."""

    start: int
    end: int
    replacement: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One logical line: its physical lines [start, end), from 0, its indentation and its first word."""

    start: int
    end: int
    indent: int
    word: str


class Source:
    """One valid file; everything is worked out on first use."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[str] = text.split("\n")

    @cached_property
    def scan(self) -> Scan:
        """The file's tokens."""
        return scan(self.text)

    @cached_property
    def tree(self) -> ast.Module:
        """The file's tree."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(self.text)

    @cached_property
    def line_starts(self) -> list[int]:
        """The offset at which every line begins."""
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        return starts

    @cached_property
    def string_lines(self) -> frozenset[int]:
        """Lines, from 0, that begin inside a string."""
        found: set[int] = set()
        for token in self.scan.tokens:
            if token.kind is TokenKind.STRING and "\n" in token.text:
                found.update(range(token.line, token.line + token.text.count("\n")))
        return frozenset(found)

    @cached_property
    def statements(self) -> list[Statement]:
        """The file's logical lines."""
        found: list[Statement] = []
        tokens = self.scan.tokens
        for index in self.scan.logical_lines:
            first = index
            while tokens[first].kind in (TokenKind.INDENT, TokenKind.DEDENT):
                first += 1
            last = first
            while last + 1 < len(tokens) and tokens[last].kind is not TokenKind.NEWLINE:
                last += 1
            token = tokens[first]
            found.append(Statement(token.line - 1, tokens[last].line, token.column - 1, token.text))
        return found

    @cached_property
    def bracket_lines(self) -> list[str]:
        """For every line the brackets that are open where it begins, as `([`; a space first inside a string."""
        found = [""] * (len(self.lines) + 1)
        tokens = self.scan.tokens
        for opener, closer in sorted(self.scan.pairs):
            for line in range(tokens[opener].line, tokens[closer].line):
                found[line] += tokens[opener].text
        return found

    def solid(self) -> list[Token]:
        """Return the tokens that stand for characters, without comments and line ends."""
        skipped = (TokenKind.COMMENT, TokenKind.NEWLINE)
        return [token for token in self.scan.tokens if token.text and token.kind not in skipped]

    def operators(self, texts: str) -> list[Token]:
        """Return the operator tokens whose text is one of the words in `texts`."""
        wanted = set(texts.split())
        return [token for token in self.scan.tokens if token.kind is TokenKind.OP and token.text in wanted]

    def edit(self, start: int, end: int, replacement: str) -> Change:
        """Return the change of whole lines that puts `replacement` in the place of offsets [start, end)."""
        first = self.text.count("\n", 0, start)
        last = first + self.text.count("\n", start, end)
        line_end = self.line_starts[last + 1] - 1
        new = self.text[self.line_starts[first] : start] + replacement + self.text[end:line_end]
        return Change(first, last + 1, tuple(new.split("\n")))

    def line(self, index: int, replacement: str) -> Change:
        """Return the change of one line."""
        return Change(index, index + 1, (replacement,))

    def insert(self, index: int, *lines: str) -> Change:
        """Return the change that puts lines before line `index`."""
        return Change(index, index, lines)

    def code_lines(self) -> list[int]:
        """Return the lines, from 0, that hold code and do not begin inside a string."""
        return [
            number
            for number, line in enumerate(self.lines)
            if line.strip() and not line.lstrip().startswith("#") and number not in self.string_lines
        ]

    def body(self, header: int) -> tuple[int, int]:
        """Return the range of `statements` that the block header at index `header` governs."""
        indent = self.statements[header].indent
        end = header + 1
        while end < len(self.statements) and self.statements[end].indent > indent:
            end += 1
        return header + 1, end

    def headers(self) -> list[int]:
        """Return the indexes of statements that have an indented body."""
        return [i for i in range(len(self.statements)) if self.body(i)[1] > i + 1]

    def shifted(self, start: int, end: int, columns: int) -> Change:
        """Return the change that moves lines [start, end) by `columns`; lines inside strings stay."""
        moved = []
        for number in range(start, end):
            line = self.lines[number]
            if not line.strip() or number in self.string_lines:
                moved.append(line)
            elif columns > 0:
                moved.append(" " * columns + line)
            else:
                room = len(line) - len(line.lstrip(" "))
                moved.append(line[min(room, -columns) :])
        return Change(start, end, tuple(moved))


def pick(rng: Random, items: Sequence[T]) -> T | None:
    """Return one of the items, None when there are none."""
    return rng.choice(items) if items else None


def apply_changes(lines: Sequence[str], changes: Sequence[Change]) -> list[str]:
    """Return the lines with the changes made; the changes must not overlap."""
    result = list(lines)
    for change in sorted(changes, key=lambda c: (c.start, c.end), reverse=True):
        result[change.start : change.end] = change.replacement
    return result
