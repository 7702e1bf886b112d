"""Fields of f-strings: a brace or a bracket too few or too many."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, Token, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_PREFIX = re.compile(r"([rR]?[fF][rR]?)(\"\"\"|'''|\"|')")
_EXPRESSION = re.compile(r"(?:'[^']*'|\"[^\"]*\")?[\w.]+(?:\[[^\][]*\]|\([^()]*\)|\.\w+)*(?:![rsa])?(?::[^\s{}\"']*)?")
_NEAR = 8  # lines: where f-strings stand one after the other, the compiler names one of them
_LONGEST = 2_000  # characters of a string that is looked into

Edit = tuple[int, int, str, Op, str]


def propose(site: Site) -> Iterator[Change]:
    """Yield braces and brackets added, doubled and removed in the f-strings at the fault."""
    if not site.fault.message.startswith("f-string"):
        return
    for token in site.tokens:
        if token.kind is not TokenKind.STRING or len(token.text) > _LONGEST:
            continue
        match = _PREFIX.match(token.text)
        last = token.line + token.text.count("\n")
        if match is None or not token.line - _NEAR <= site.line <= last + _NEAR:
            continue
        stop = len(token.text) - len(match.group(2))
        for start, end, text, op, title in _edits(token.text, match.end(), stop):
            yield _within(site, token, start, end, text, op, title)


def _edits(text: str, start: int, stop: int) -> Iterator[Edit]:
    """The edits of the first field that is not well-formed, in positions of the token."""
    stack: list[tuple[str, int]] = []
    at = start
    while at < stop:
        char = text[at]
        if not stack:
            if text[at : at + 2] in ("{{", "}}") and at + 1 < stop:
                at += 1
            elif char == "{":
                stack.append((char, at))
            elif char == "}":
                yield from _single_closer(text, at, start)
                return
        elif char in OPENERS and not (char == "{" and len(stack) == 1 and text[stack[0][1] + 1 : at].count(":") == 0):
            stack.append((char, at))
        elif char in CLOSERS:
            if stack[-1][0] == CLOSERS[char]:
                if char == "}" and len(stack) == 1 and not text[stack[0][1] + 1 : at].strip():
                    yield stack[0][1], at + 1, "{{}}", Op.REPLACE_BRACKET, "double the braces"
                    return
                stack.pop()
            else:
                yield from _wrong_closer(char, at, stack)
                return
        elif char == "{":
            break
        at += 1
    if stack:
        yield from _open_end(text, at, stop, stack)


def _single_closer(text: str, at: int, start: int) -> Iterator[Edit]:
    yield at, at + 1, "", Op.DELETE_BRACKET, "remove an extra `}`"
    yield at, at + 1, "}}", Op.REPLACE_BRACKET, "double the `}`"
    word = re.search(r"[\w.\[\]()]+$", text[start:at])
    if word:
        begin = start + word.start()
        yield begin, begin, "{", Op.OPEN_BRACKET, "add the missing `{`"


def _wrong_closer(char: str, at: int, stack: list[tuple[str, int]]) -> Iterator[Edit]:
    opener, place = stack[-1]
    if char == "}":
        yield at, at, OPENERS[opener], Op.CLOSE_BRACKET, f"add the missing `{OPENERS[opener]}`"
        if place != stack[0][1]:
            yield place, place + 1, "", Op.DELETE_BRACKET, f"remove an extra `{opener}`"
        return
    yield at, at + 1, "", Op.DELETE_BRACKET, f"remove an extra `{char}`"
    if len(stack) > 1 or opener == "{":
        yield at, at + 1, OPENERS[opener], Op.REPLACE_BRACKET, f"`{char}` becomes `{OPENERS[opener]}`"


def _open_end(text: str, at: int, stop: int, stack: list[tuple[str, int]]) -> Iterator[Edit]:
    """A field that is never closed: it ends behind its expression, or where the text does."""
    field = stack[0][1]
    closers = "".join(OPENERS[opener] for opener, _ in reversed(stack))
    expression = _EXPRESSION.match(text, field + 1, stop)
    if len(stack) == 1 and expression:
        yield expression.end(), expression.end(), "}", Op.CLOSE_BRACKET, "add the missing `}`"
    end = at if at < stop else stop
    while end > field + 1 and text[end - 1].isspace():
        end -= 1
    yield end, end, closers, Op.CLOSE_BRACKET, f"add the missing `{closers}`"
    yield field, field + 1, "{{", Op.REPLACE_BRACKET, "double the `{`"


def _within(site: Site, token: Token, start: int, end: int, text: str, op: Op, title: str) -> Change:
    changed = token.text[:start] + text + token.text[end:]
    first, last = token.line, token.line + token.text.count("\n")
    tail = site.lines[last][len(token.text.rpartition("\n")[2]) + (token.column if first == last else 0) :]
    rows = tuple((site.lines[first][: token.column] + changed + tail).split("\n"))
    return Change(first, last + 1, rows, op, Kind.STRING, title, token=text or token.text[start:end], detail="field")
