"""A tolerant scanner: Python tokens of text that need not parse, with its brackets and strings.

It never raises, reads every character once, and goes on after a fault: a string without its end stops at the end of the
line (a triple-quoted one at the end of the text), and a bracket without its end stops at the next line that begins with
a word that only begins statements.
"""

from __future__ import annotations

import keyword
import re
from enum import StrEnum
from typing import NamedTuple

from sophia_cli.core.values import dataclass

_TRIPLE_DOUBLE = r'"""[^"\\]*+(?:(?:\\.?+|"(?!""))[^"\\]*+)*+'
_TRIPLE_SINGLE = r"'''[^'\\]*+(?:(?:\\.?+|'(?!''))[^'\\]*+)*+"
_DOUBLE = r'"(?!"")[^"\\\n]*+(?:\\.?+[^"\\\n]*+)*+'
_SINGLE = r"'(?!'')[^'\\\n]*+(?:\\.?+[^'\\\n]*+)*+"
_PREFIX = r"(?:[rR][bBfF]|[bBfF][rR]|[rRbBuUfF])?+"
_TOKEN = re.compile(
    rf"""[ \t\f]*+(?:
    (?P<name>[^\W\d]\w*+(?!["']))
    |(?P<op>\*\*=?|//=?|>>=?|<<=?|->|:=|\.\.\.|[-+*/%&|^@=<>!]=|[-+*%&|^@=<>~,:;()\[\]{{}}/]|\.(?!\d))
    |(?P<newline>\n)
    |(?P<string>{_PREFIX}(?:{_TRIPLE_DOUBLE}\"\"\"|{_TRIPLE_SINGLE}'''|{_DOUBLE}"|{_SINGLE}'))
    |(?P<number>0[xX][\da-fA-F_]++|0[bB][01_]++|0[oO][0-7_]++|(?:\d[\d_]*+(?:\.[\d_]*+)?|\.\d[\d_]*+)(?:[eE][-+]?\d[\d_]*+)?[jJ]?)
    |(?P<comment>\#[^\n]*+)
    |(?P<broken>{_PREFIX}(?:{_TRIPLE_DOUBLE}|{_TRIPLE_SINGLE}|{_DOUBLE}|{_SINGLE}))
    |(?P<word>[^\W\d]\w*+)
    |(?P<joined>\\\n)
    |(?P<end>\Z)
    |(?P<error>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_NAME, _OP, _NEWLINE, _STRING, _NUMBER, _COMMENT, _BROKEN, _WORD, _JOINED, _END, _ERROR = range(1, 12)
_KEYWORDS = frozenset(keyword.kwlist)
_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_STATEMENT_WORDS = frozenset(
    (
        *("def", "class", "return", "import", "raise", "while", "with", "try", "except", "finally", "elif"),
        *("pass", "break", "continue", "del", "global", "nonlocal", "assert"),
    )
)


class TokenKind(StrEnum):
    """What a token is. NEWLINE ends a logical line; ERROR is a string without its end or a character of no token."""

    NAME = "NAME"
    KEYWORD = "KEYWORD"
    NUMBER = "NUMBER"
    STRING = "STRING"
    OP = "OP"
    NEWLINE = "NEWLINE"
    INDENT = "INDENT"
    DEDENT = "DEDENT"
    COMMENT = "COMMENT"
    ERROR = "ERROR"


class Token(NamedTuple):
    """One token: line and column of its first character from 1, and its half-open range of offsets in the text.

    NEWLINE, INDENT and DEDENT that stand for no character have an empty `text` and an empty range.
    """

    kind: TokenKind
    text: str
    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The tokens of a text, and what was found about its structure while reading it.

    `logical_lines` are the indexes (into `tokens`) of the first token of every logical line. `pairs` are the indexes of
    an opening bracket and of the bracket that closes it, which may be of another kind; `unclosed` and `unopened`
    are those with no partner; `unterminated` are the strings without an end.
    """

    tokens: list[Token]
    logical_lines: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    unclosed: tuple[int, ...]
    unopened: tuple[int, ...]
    unterminated: tuple[int, ...]

    def brackets_at(self, line: int) -> tuple[Token, ...]:
        """Return the opening brackets, outermost first, that are open where line `line` (from 1) begins."""
        tokens = self.tokens
        spans = [(a, b) for a, b in self.pairs if tokens[a].line < line <= tokens[b].line]
        ends = {token: self._recovery_line(token) for token in self.unclosed}
        spans += [(a, a) for a, end in ends.items() if tokens[a].line < line < end]
        return tuple(tokens[a] for a, _ in sorted(spans))

    def _recovery_line(self, opener: int) -> int:
        """Return the first line that is no longer inside the bracket that is never closed."""
        for start in self.logical_lines:
            if start > opener:
                return self.tokens[start].line
        return self.tokens[-1].line + 1


def scan(text: str, *, open_brackets: str = "") -> Scan:
    """Read `text` (newlines as `\\n`) once; `open_brackets` are those open where a fragment begins, like `([`."""
    return _Scanner(text, open_brackets).run()


class _Scanner:
    """The state of one reading."""

    __slots__ = ("indents", "logical", "open", "pairs", "text", "tokens", "unclosed", "unopened", "unterminated")

    def __init__(self, text: str, open_brackets: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.logical: list[int] = []
        self.pairs: list[tuple[int, int]] = []
        self.open: list[int] = [-1] * len(open_brackets)
        self.unclosed: list[int] = []
        self.unopened: list[int] = []
        self.unterminated: list[int] = []
        self.indents = [0]

    def run(self) -> Scan:
        # Local names and a bare tuple constructor: this loop is most of the scanner's time.
        text, tokens, brackets, keywords = self.text, self.tokens, self.open, _KEYWORDS
        make = tuple.__new__
        name_kind, keyword_kind, op_kind = TokenKind.NAME, TokenKind.KEYWORD, TokenKind.OP
        kinds = {
            _STRING: TokenKind.STRING,
            _NUMBER: TokenKind.NUMBER,
            _BROKEN: TokenKind.ERROR,
            _ERROR: TokenKind.ERROR,
        }
        line, line_start = 1, 0
        begins_line = True  # the next token is the first of its physical line
        begins_logical = not brackets  # the next token is the first of a logical line
        for match in _TOKEN.finditer(text):
            group = match.lastindex
            start, end = match.span(group or 0)
            if group == _NEWLINE:
                if not brackets and not begins_logical:
                    tokens.append(make(Token, (TokenKind.NEWLINE, "\n", line, start - line_start + 1, start, end)))
                    begins_logical = True
                line += 1
                line_start = end
                begins_line = True
                continue
            if group == _JOINED:
                line += 1
                line_start = end
                continue
            if group == _COMMENT:
                tokens.append(
                    make(Token, (TokenKind.COMMENT, text[start:end], line, start - line_start + 1, start, end))
                )
                continue
            if group == _END:
                break
            word = match[group or 0]
            if begins_line:
                begins_line = False
                if brackets and word in _STATEMENT_WORDS and text[end : end + 1] in " \n\t:(":
                    self._give_up_brackets(line, start - line_start + 1, start)
                    begins_logical = True
                if begins_logical:
                    self._indent(line, line_start, start)
            if begins_logical:
                begins_logical = False
                self.logical.append(len(tokens))
            column = start - line_start + 1
            if group in (_NAME, _WORD):
                kind = keyword_kind if word in keywords else name_kind
                tokens.append(make(Token, (kind, word, line, column, start, end)))
            elif group == _OP:
                if word in _OPENERS:
                    brackets.append(len(tokens))
                elif word in _CLOSERS:
                    self._close()
                tokens.append(make(Token, (op_kind, word, line, column, start, end)))
            else:
                if group == _BROKEN:
                    self.unterminated.append(len(tokens))
                tokens.append(make(Token, (kinds[group or _ERROR], word, line, column, start, end)))
                if "\n" in word:
                    line += word.count("\n")
                    line_start = start + word.rfind("\n") + 1
        self._finish(line, len(text) - line_start + 1, begins_logical)
        return Scan(
            tokens,
            tuple(self.logical),
            tuple(self.pairs),
            tuple(self.unclosed),
            tuple(self.unopened),
            tuple(self.unterminated),
        )

    def _close(self) -> None:
        here = len(self.tokens)
        if not self.open:
            self.unopened.append(here)
            return
        opener = self.open.pop()
        if opener >= 0:
            self.pairs.append((opener, here))

    def _give_up_brackets(self, line: int, column: int, offset: int) -> None:
        self.unclosed += [index for index in self.open if index >= 0]
        self.open.clear()
        self.tokens.append(Token(TokenKind.NEWLINE, "", line, column, offset, offset))

    def _indent(self, line: int, line_start: int, start: int) -> None:
        indents = self.indents
        width = start - line_start
        if width == indents[-1] and "\t" not in (prefix := self.text[line_start:start]) and "\f" not in prefix:
            return
        width = len(self.text[line_start:start].rpartition("\f")[2].expandtabs(8))
        while width < indents[-1]:
            indents.pop()
            self.tokens.append(Token(TokenKind.DEDENT, "", line, start - line_start + 1, start, start))
        if width > indents[-1]:
            indents.append(width)
            self.tokens.append(Token(TokenKind.INDENT, "", line, start - line_start + 1, start, start))

    def _finish(self, line: int, column: int, begins_logical: bool) -> None:
        end = len(self.text)
        self.unclosed += [index for index in self.open if index >= 0]
        if not begins_logical:
            self.tokens.append(Token(TokenKind.NEWLINE, "", line, column, end, end))
        for _ in self.indents[1:]:
            self.tokens.append(Token(TokenKind.DEDENT, "", line, column, end, end))
