"""A tolerant tokenizer for Python text that need not parse: never raises, linear, every character accounted for."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class TokenKind(Enum):
    """The kinds of token that the engine tells apart."""

    NAME = "name"
    NUMBER = "number"
    STRING = "string"
    OPEN_STRING = "open-string"
    OP = "op"
    COMMENT = "comment"
    NEWLINE = "newline"
    JUNK = "junk"


class Token(NamedTuple):
    """One token: `line` from 0, `column` in characters from 0, [start, end) offsets into the text."""

    kind: TokenKind
    text: str
    line: int
    column: int
    start: int
    end: int


_PATTERN = re.compile(
    r"""
    (?P<skip>[ \t\f]+|\\\n)
  | (?P<newline>\n)
  | (?P<comment>\#[^\n]*)
  | (?P<string>(?:[rR][bBfF]?|[bBfF][rR]?|[uU])?
        (?:\"\"\"[^\\"]*(?:(?:\\.|"(?!""))[^\\"]*)*\"\"\"
          |'''[^\\']*(?:(?:\\.|'(?!''))[^\\']*)*'''
          |"(?!"")[^\\"\n]*(?:\\.[^\\"\n]*)*"
          |'(?!'')[^\\'\n]*(?:\\.[^\\'\n]*)*'
          |\"\"(?!\")|''(?!')))
  | (?P<open>(?:[rR][bBfF]?|[bBfF][rR]?|[uU])?(?:\"\"\"|'''|["'][^\n]*))
  | (?P<number>(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+
        |(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9_]+)?)[jJ]?)
  | (?P<name>[^\W\d]\w*)
  | (?P<op>\*\*=|//=|>>=|<<=|\.\.\.|!=|:=|->|==|<=|>=|[-+*/%@&|^]=|\*\*|//|>>|<<|[-+*/%@&|^~<>()\[\]{},:;.=])
  | (?P<junk>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_KINDS = {
    "newline": TokenKind.NEWLINE,
    "comment": TokenKind.COMMENT,
    "string": TokenKind.STRING,
    "open": TokenKind.OPEN_STRING,
    "number": TokenKind.NUMBER,
    "name": TokenKind.NAME,
    "op": TokenKind.OP,
    "junk": TokenKind.JUNK,
}

OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = {")": "(", "]": "[", "}": "{"}


def scan(text: str, first_line: int = 0) -> list[Token]:
    """Return the tokens of `text`, whose first line counts as `first_line`; blank space is left out.

    An unterminated triple-quoted string takes the rest of the text as one OPEN_STRING token; another unterminated
    string ends with its line.
    """
    starts = [0]
    starts.extend(found.end() for found in re.finditer("\n", text))
    starts.append(len(text) + 1)
    line = 0
    tokens: list[Token] = []
    size, add = len(text), tokens.append
    # Every character matches, so the matches follow one another without a gap.
    for match in _PATTERN.finditer(text):
        group = match.lastgroup
        if group == "skip" or group is None:
            continue
        word = match.group()
        position, end = match.span()
        is_rest = group == "open" and word[-3:] in ('"""', "'''")
        if is_rest:
            end = size
            word = text[position:]
        while starts[line + 1] <= position:
            line += 1
        add(Token(_KINDS[group], word, line + first_line, position - starts[line], position, end))
        if is_rest:
            break
    return tokens
