"""What candidate generators see: the fault, the lines around it and their tokens, brackets and indentation."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from functools import cached_property
from itertools import accumulate

from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, Token, TokenKind, scan
from sophia_cli.fixers.syntax.model import SyntaxFault

_NAME = re.compile(r"[^\W\d]\w*")
_HEADER_LINE = re.compile(r"on line (\d+)")


_GROUPS = (
    ("unindent", "unindent"),
    ("unexpected indent", "indent"),
    ("expected an indented block", "block"),
    ("was never closed", "unclosed"),
    ("unmatched", "unmatched"),
    ("does not match opening", "mismatch"),
    ("forgot a comma", "comma"),
    ("expected ':'", "colon"),
    ("expected '('", "expected"),
    ("unterminated triple", "triple"),
    ("unterminated string", "string"),
    ("f-string", "fstring"),
    ("invalid decimal", "literal"),
    ("invalid character", "character"),
    ("non-printable", "character"),
    ("cannot assign", "assign"),
    ("Maybe you meant", "assign"),
    ("__future__", "future"),
    ("'except' or 'finally'", "except"),
    ("outside", "outside"),
    ("argument", "argument"),
    ("default", "argument"),
    ("global", "scope"),
    ("nonlocal", "scope"),
    ("inconsistent use of tabs", "tabs"),
    ("line continuation", "continuation"),
    ("EOF", "eof"),
    ("invalid syntax", "invalid"),
)


def message_group(message: str) -> str:
    """Return the family of a compiler message."""
    for part, group in _GROUPS:
        if part in message:
            return group
    return "other"


def indent_of(line: str) -> str:
    """Return the white space in front of a line."""
    return line[: len(line) - len(line.lstrip(" \t\f"))]


def width_of(line: str) -> int:
    """Return the indentation in columns, tabs to multiples of 8 as CPython counts."""
    width = 0
    for char in line:
        if char == " ":
            width += 1
        elif char == "\t":
            width += 8 - width % 8
        elif char == "\f":
            width = 0
        else:
            break
    return width


def is_code(line: str) -> bool:
    """Whether a line, seen alone, holds code: not blank, not a comment."""
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


@dataclass(frozen=True)
class Site:
    """One fault in its surroundings. `first` and `last` bound the window of lines that is looked at."""

    lines: list[str]
    fault: SyntaxFault
    first: int
    last: int
    unit: str
    memo: dict[str, object] = field(default_factory=dict, compare=False)

    @cached_property
    def line(self) -> int:
        """The fault's line from 0, within the text."""
        return min(max(self.fault.line - 1, 0), max(len(self.lines) - 1, 0))

    @cached_property
    def column(self) -> int:
        """The fault's column from 0."""
        return self.fault.column - 1

    @cached_property
    def group(self) -> str:
        """The family of the compiler's message."""
        return message_group(self.fault.message)

    @cached_property
    def words(self) -> Counter[str]:
        """How often each word stands in the text."""
        return Counter(_NAME.findall("\n".join(self.lines)))

    @cached_property
    def filled(self) -> tuple[int, ...]:
        """How many lines that are not blank stand above each line, and above the end."""
        return tuple(accumulate((bool(line.strip()) for line in self.lines), initial=0))

    @cached_property
    def header(self) -> int | None:
        """The line from 0 of the block header that the compiler's message names."""
        match = _HEADER_LINE.search(self.fault.message)
        return int(match.group(1)) - 1 if match else None

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The window's tokens, their lines counted in the whole text."""
        text = "\n".join(self.lines[self.first : self.last])
        return tuple(scan(text, self.first))

    @cached_property
    def by_line(self) -> dict[int, list[Token]]:
        """Tokens by the line that they start on, without NEWLINE."""
        result: dict[int, list[Token]] = {}
        for token in self.tokens:
            if token.kind is not TokenKind.NEWLINE:
                result.setdefault(token.line, []).append(token)
        return result

    def code_tokens(self, line: int) -> list[Token]:
        """Return a line's tokens without comments."""
        return [token for token in self.by_line.get(line, []) if token.kind is not TokenKind.COMMENT]

    @cached_property
    def inside_string(self) -> frozenset[int]:
        """Lines whose start lies inside a string that began on an earlier line."""
        inside: set[int] = set()
        for token in self.tokens:
            if token.kind in (TokenKind.STRING, TokenKind.OPEN_STRING):
                count = token.text.count("\n")
                inside.update(range(token.line + 1, token.line + count + 1))
        return frozenset(inside)

    @cached_property
    def open_brackets(self) -> tuple[Token, ...]:
        """Openers that are still open at the fault, outermost first, by plain matching."""
        stack: list[Token] = []
        for token in self.tokens:
            if (token.line, token.column) >= (self.line, self.column):
                break
            if token.kind is TokenKind.OP:
                if token.text in OPENERS:
                    stack.append(token)
                elif token.text in CLOSERS and stack and stack[-1].text == CLOSERS[token.text]:
                    stack.pop()
        return tuple(stack)

    @cached_property
    def unclosed(self) -> tuple[Token, ...]:
        """Openers of the window without a closer, outermost first; a mismatched closer ends nothing."""
        stack: list[Token] = []
        for token in self.tokens:
            if token.kind is TokenKind.OP:
                if token.text in OPENERS:
                    stack.append(token)
                elif token.text in CLOSERS and stack and stack[-1].text == CLOSERS[token.text]:
                    stack.pop()
        return tuple(stack)

    @cached_property
    def bracket_starts(self) -> frozenset[int]:
        """Lines whose start lies inside brackets that a well-balanced stretch of the window opened earlier."""
        inside: set[int] = set()
        stack: list[Token] = []
        for token in self.tokens:
            if token.kind is TokenKind.OP and token.text in OPENERS:
                stack.append(token)
            elif token.kind is TokenKind.OP and token.text in CLOSERS and stack:
                opener = stack.pop()
                inside.update(range(opener.line + 1, token.line + 1))
        return frozenset(inside)

    def starts_statement(self, index: int) -> bool:
        """Whether line `index` seems to start a statement: code, not inside a string or a closed bracket pair."""
        if not is_code(self.lines[index]) or index in self.inside_string or index in self.bracket_starts:
            return False
        return not (index > 0 and self.lines[index - 1].rstrip().endswith("\\"))

    @cached_property
    def starts(self) -> list[int]:
        """The lines of the window that start a statement, in order."""
        return [index for index in range(self.first, self.last) if self.starts_statement(index)]

    def previous_code(self, index: int) -> int | None:
        """Return the nearest line above that starts a statement."""
        for i in range(index - 1, self.last - 1, -1):
            if self.starts_statement(i):
                return i
        place = bisect_left(self.starts, min(index, self.last))
        return self.starts[place - 1] if place else None

    def next_code(self, index: int) -> int | None:
        """Return the nearest line at or below `index` that starts a statement."""
        for i in range(index, min(self.first, self.last)):
            if self.starts_statement(i):
                return i
        place = bisect_left(self.starts, index)
        return self.starts[place] if place < len(self.starts) else None

    def statement_end(self, index: int) -> int:
        """Return the line after the statement (with its continuation lines) that starts at `index`."""
        i = index + 1
        while i < self.last and (
            i in self.inside_string or i in self.bracket_starts or self.lines[i - 1].rstrip().endswith("\\")
        ):
            i += 1
        return i


def indent_unit(lines: list[str]) -> str:
    """Return the indentation step that most blocks of the text use, four spaces when nothing tells."""
    votes: dict[str, int] = {}
    previous = ""
    for line in lines[:2000]:
        if not is_code(line):
            continue
        indent = indent_of(line)
        if indent.startswith(previous) and len(indent) > len(previous):
            step = indent[len(previous) :]
            if step in ("\t", "  ", "    ", "   ", "        "):
                votes[step] = votes.get(step, 0) + 1
        previous = indent
    return max(votes, key=lambda step: votes[step]) if votes else "    "
