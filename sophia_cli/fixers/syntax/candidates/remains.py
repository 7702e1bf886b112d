"""What remains where something was lost: a body without its header, arguments without the opening bracket, words that
stand for a value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_RETURNS = re.compile(r"\s*(?:return|yield|await)\b|.*=\s*(?:await|yield)\b")
_AWAITS = re.compile(r"\b(?:await\b|async\s+(?:for|with)\b)")
_OWNER = re.compile(r"\b(self|cls)\.")
_DECORATOR = re.compile(r"\s*@\w")
_DEFINITION = re.compile(r"\s*(?:(?:async\s+)?def|class)\s")
_PLACEHOLDER = re.compile(r"(?<=[=(\[{,:])(\s*)<\s*([A-Za-z_][\w -]*?)\s*>(?=\s*(?:[,)\]}#]|$))")
_NAME = "unnamed"
_MOST_LINES = 400
_MOST_ARGUMENTS = 40  # lines behind the name that is called


def propose(site: Site) -> Iterator[Change]:
    """Yield headers for bodies, brackets that a call opened with, and quotes around placeholders."""
    if not site.lines:
        return
    if site.group == "indent":
        yield from _header(site)
    yield from _opener(site)
    yield from _placeholders(site)


def _header(site: Site) -> Iterator[Change]:
    """Lines that stand further in and return something: the body of a function whose header is gone."""
    start = site.line
    width = width_of(site.lines[start])
    above = site.previous_code(start)
    if above is not None and width_of(site.lines[above]) >= width:
        return
    decorated = above is not None and _DECORATOR.match(site.lines[above]) is not None
    outer = indent_of(site.lines[above]) if above is not None and decorated else _step_out(site, start)
    if width_of(outer) >= width:
        return
    end = start
    while end < min(len(site.lines), start + _MOST_LINES):
        line = site.lines[end]
        if is_code(line) and width_of(line) < width and end not in site.inside_string:
            break
        end += 1
    body = site.lines[start:end]
    if not decorated and not any(_RETURNS.match(line) for line in body):
        return
    owner = next((match.group(1) for line in body if (match := _OWNER.search(line))), "")
    word = "async def" if any(_AWAITS.search(line) for line in body) else "def"
    yield Change(
        start, start, (f"{outer}{word} {_NAME}({owner}):",), Op.ADD_HEADER, Kind.TRUNCATED,
        "give a body without a header a name", detail="def",
    )  # fmt: skip


def _step_out(site: Site, index: int) -> str:
    indent = indent_of(site.lines[index])
    return indent.removesuffix(site.unit) if indent.endswith(site.unit) else ""


def _opener(site: Site) -> Iterator[Change]:
    """A name, and further in below it what it is called with: the bracket at the end of its line is gone."""
    if site.group == "indent":
        above = site.previous_code(site.line)
    else:
        above = _begins_with_closer(site)
    if above is None or _DEFINITION.match(site.lines[above]):
        return
    code = site.code_tokens(above)
    if not code or (code[-1].kind is not TokenKind.NAME and code[-1].text != "="):
        return
    is_call = code[-1].kind is TokenKind.NAME
    depth = 0
    for index in range(above + 1, min(site.last, above + _MOST_ARGUMENTS)):
        for token in site.code_tokens(index):
            if token.kind is not TokenKind.OP:
                continue
            depth += (token.text in OPENERS) - (token.text in CLOSERS)
            if depth < 0:
                if is_call and token.text != ")":
                    return
                last = code[-1]
                column = last.column + len(last.text)
                line = site.lines[above]
                opener = CLOSERS[token.text]
                text = line[:column] + (" " if last.text == "=" else "") + opener + line[column:]
                yield Change(
                    above, above + 1, (text,), Op.OPEN_BRACKET, Kind.BRACKET, f"add the missing `{opener}`",
                    token=opener, detail="line-end",
                )  # fmt: skip
                return


def _begins_with_closer(site: Site) -> int | None:
    """The line above that stands as far in as the closer which matches nothing and begins its line."""
    line = site.lines[site.line]
    if site.group != "unmatched" or line.lstrip()[:1] not in CLOSERS:
        return None
    for index in range(site.line - 1, max(site.first, site.line - _MOST_ARGUMENTS) - 1, -1):
        if site.code_tokens(index) and width_of(site.lines[index]) <= width_of(line):
            return index if width_of(site.lines[index]) == width_of(line) and index < site.line - 1 else None
    return None


def _placeholders(site: Site) -> Iterator[Change]:
    """`connect(<host>, <port>)`: what a reader is to fill in becomes text."""
    for index in dict.fromkeys((site.line, site.line - 1)):
        if not 0 <= index < len(site.lines) or "<" not in site.lines[index] or index in site.inside_string:
            continue
        line = site.lines[index]
        text = _PLACEHOLDER.sub(r'\1"<\2>"', line)
        if text != line:
            yield Change(
                index, index + 1, (text,), Op.REWRITE, Kind.JUNK, "put a placeholder into quotes", detail="placeholder"
            )
