"""Wordings of C and JavaScript: their operators for a whole line at once, declarations, numbers with leading zeros."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import OPENERS, Token, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_DECLARED = re.compile(r"(\s*)(?:const|let|var)\s+(?=[^\W\d]\w*\s*(?:=(?!=)|,))")
_LEADING_ZEROS = re.compile(r"0[0_]*([1-9][0-9_]*)")
_DOUBLED = {"&": "and", "|": "or"}
# Behind one of these a value begins, so `!` cannot stand between two values.
_BEFORE_VALUES = frozenset({"=", "(", "[", "{", ",", ":", "==", "!=", ":=", "&", "|", "+=", "->"})
_WORDS_BEFORE_VALUES = frozenset({"if", "elif", "while", "return", "and", "or", "not", "in", "assert", "else", "yield"})
_BLANK = " \t"


def propose(site: Site) -> Iterator[Change]:
    """Yield the fault's line as it is written in Python."""
    if not site.lines:
        return
    line = site.lines[site.line]
    found = (
        (_operators(line, site.code_tokens(site.line)), "operators", "write `and`, `or` and `not`"),
        (_DECLARED.sub(r"\1", line, count=1), "declaration", "remove a declaring word"),
        (_plain_numbers(line, site.code_tokens(site.line)), "leading-zeros", "remove leading zeros of a number"),
    )
    for text, detail, title in found:
        if text != line:
            yield Change(site.line, site.line + 1, (text,), Op.REWRITE, Kind.OTHER, title, detail=detail)


def _operators(line: str, code: list[Token]) -> str:
    """The line with `&&`, `||` and `!` before a value in words."""
    parts: list[str] = []
    done = 0
    for i, token in enumerate(code):
        following = code[i + 1] if i + 1 < len(code) else None
        if token.column < done or following is None:
            continue
        word = None
        if token.text in _DOUBLED and following.text == token.text and following.column == token.column + 1:
            word, end = _DOUBLED[token.text], following.column + 1
        elif token.text == "!" and _begins_value(code[i - 1] if i else None) and _may_begin_value(following):
            word, end = "not", token.column + 1
        if word is not None:
            before = line[done : token.column]
            parts.append(before if not before or before[-1] in _BLANK + "([{" else before + " ")
            parts.append(word if line[end : end + 1] in _BLANK else word + " ")
            done = end
    return "".join(parts) + line[done:]


def _begins_value(before: Token | None) -> bool:
    """Whether a value, not an operator between two, follows a token; the begin of the line is one, too."""
    if before is None:
        return True
    return before.text in (_WORDS_BEFORE_VALUES if before.kind is TokenKind.NAME else _BEFORE_VALUES)


def _may_begin_value(token: Token) -> bool:
    return token.kind is not TokenKind.OP or token.text in OPENERS


def _plain_numbers(line: str, code: list[Token]) -> str:
    """The line with its decimal numbers as Python writes them: `08` is a number of no base."""
    for token in reversed(code):
        match = _LEADING_ZEROS.fullmatch(token.text) if token.kind is TokenKind.NUMBER else None
        if match:
            line = line[: token.column] + match.group(1) + line[token.column + len(token.text) :]
    return line
