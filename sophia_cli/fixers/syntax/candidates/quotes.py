"""Quotes that lack a partner on the same line: an opening one, the third of a docstring, or one on a later line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_DELIMITER = re.compile(r"[=(\[{,:+]\s*|\breturn\s+|\bin\s+|\bf?print\s*\(?")
_CONTINUED = re.compile(r"(?<!\\)\\([)\]}]+)\s*$")
_PREFIXED = re.compile(r"(?<![\w.])[fFrRbB][^\W\d_]\w*")
_LONGEST = 40  # lines of a string that goes on behind backslashes
_MOST = 6  # places where the string may begin, nearest first


def propose(site: Site) -> Iterator[Change]:
    """Yield opening quotes before the words of a string, and third quotes."""
    if not site.lines:
        return
    yield from _lost_opening_quote(site)
    yield from _closed_early(site)
    yield from _lost_third(site)


def _lost_opening_quote(site: Site) -> Iterator[Change]:
    """`open(path, encoding=utf-8")`: what seems to open a string closes it."""
    opened = next(
        (t for t in site.by_line.get(site.line, []) if t.kind is TokenKind.OPEN_STRING and "\n" not in t.text), None
    )
    if opened is None or opened.text.startswith(('"""', "'''")):
        return
    line = site.lines[site.line]
    place = opened.column
    quote = line[place]
    if quote not in "\"'":
        # A prefix letter was read off the last word: `encoding=utf"`.
        place = next(i for i in range(place, len(line)) if line[i] in "\"'")
        quote = line[place]
    head = line[:place]
    if not head.strip() or head.rstrip() != head:
        return
    for match in islice(_PREFIXED.finditer(head), _MOST):
        rest = match.group()[1:]
        if site.words[match.group()] <= 1 and (rest[:1].isupper() or site.words[rest]):
            cut = match.start() + 1
            text = line[:cut] + quote + line[cut:]
            yield Change(
                site.line, site.line + 1, (text,), Op.OPEN_STRING, Kind.STRING, "open the string", detail="prefix"
            )
    starts = [match.end() for match in _DELIMITER.finditer(head) if match.end() < place]
    for number, start in enumerate(starts[::-1][:_MOST]):
        text = line[:start] + quote + line[start:]
        detail = "delimiter-further" if number else "delimiter"
        yield Change(site.line, site.line + 1, (text,), Op.OPEN_STRING, Kind.STRING, "open the string", detail=detail)


def _closed_early(site: Site) -> Iterator[Change]:
    """A closer stands behind the backslash that continues the string: it belongs behind the string's last line."""
    index = site.line
    match = _CONTINUED.search(site.lines[index])
    if match is None or not any(token.kind is TokenKind.OPEN_STRING for token in site.by_line.get(index, [])):
        return
    last = index + 1
    end = min(len(site.lines), index + _LONGEST)
    while last < end and site.lines[last].rstrip().endswith("\\"):
        last += 1
    if last >= end:
        return
    first = site.lines[index][: match.start() + 1]
    rows = (first, *site.lines[index + 1 : last], site.lines[last].rstrip() + match.group(1))
    yield Change(
        index, last + 1, rows, Op.FIX_QUOTES, Kind.STRING, "close the bracket behind the string", detail="continued"
    )


def _lost_third(site: Site) -> Iterator[Change]:
    """A docstring's opening or closing quotes lack one of three."""
    for index, line in enumerate(site.lines[site.first : site.last], site.first):
        if '""' not in line and "''" not in line:
            continue
        for quote in ('"', "'"):
            if line.strip() == quote * 2 and site.group == "triple":
                yield _third(index, line.rstrip() + quote, Op.CLOSE_STRING, "third-alone")
                continue
            opened = re.match(rf"(\s*[rRuU]?){quote}{quote}(?!{quote})(?=[\w ]|$)", line)
            if opened:
                text = opened.group(1) + quote * 3 + line[opened.end() :]
                yield _third(index, text, Op.OPEN_STRING, "third")
            closed = re.search(rf"(?<![{quote}=(,\[:+ ]){quote}{quote}\s*$", line)
            if closed:
                yield _third(index, line.rstrip() + quote, Op.CLOSE_STRING, "third")


def _third(index: int, text: str, op: Op, detail: str) -> Change:
    return Change(index, index + 1, (text,), op, Kind.STRING, "add the third quote", detail=detail)
