"""Quotes that are missing or of the wrong kind, broken docstrings, and f-strings that need a newer Python."""

from __future__ import annotations

import re
from random import Random

from benchmarks.corpus.breaker import Breaker
from benchmarks.corpus.source import Change, Source, Statement, pick
from sophia_cli.fixers.syntax.tokens import Token, TokenKind

_NEWER = re.compile(r"\{[^{}\"']*([\"'])[^{}\"']*\1[^{}\"']*\}")
_DOCTEST = ('"""', "'''")


def _short_strings(source: Source) -> list[Token]:
    return [
        t for t in source.solid() if t.kind is TokenKind.STRING and "\n" not in t.text and t.text[-3:] not in _DOCTEST
    ]


def _docstrings(source: Source) -> list[tuple[int, Statement, Token]]:
    """Return docstrings, with the index of their statement."""
    by_line = {t.line: t for t in source.solid() if t.kind is TokenKind.STRING and t.text[-3:] in _DOCTEST}
    found = []
    for index, statement in enumerate(source.statements):
        token = by_line.get(statement.start + 1)
        if token is not None and token.column == statement.indent + 1 and token.text[0] in "\"'":
            found.append((index, statement, token))
    return found


def _quote_missing_at_end(source: Source, rng: Random) -> Change | None:
    token = pick(rng, _short_strings(source))
    return token and source.edit(token.end - 1, token.end, "")


def _quote_missing_at_start(source: Source, rng: Random) -> Change | None:
    token = pick(rng, [t for t in _short_strings(source) if t.text[0] in "\"'"])
    return token and source.edit(token.start, token.start + 1, "")


def _quote_of_other_kind(source: Source, rng: Random) -> Change | None:
    token = pick(rng, _short_strings(source))
    if token is None:
        return None
    return source.edit(token.end - 1, token.end, "'" if token.text[-1] == '"' else '"')


def _broken_over_lines(source: Source, rng: Random) -> Change | None:
    token = pick(rng, [t for t in _short_strings(source) if t.text.count(" ") > 3 and len(t.text) > 25])
    if token is None:
        return None
    space = rng.choice([m.start() for m in re.finditer(" ", token.text)][1:-1])
    column = token.column - 1 if rng.random() < 0.6 else 0
    return source.edit(token.start + space, token.start + space + 1, "\n" + " " * column)


def _inner_quote_not_escaped(source: Source, rng: Random) -> Change | None:
    strings = [t for t in _short_strings(source) if t.text[0] == '"' and re.search(r"\w'\w", t.text)]
    token = pick(rng, strings)
    if token is not None:
        return source.edit(token.start, token.end, "'" + token.text[1:-1] + "'")
    escaped = pick(rng, [t for t in _short_strings(source) if "\\'" in t.text or '\\"' in t.text])
    return escaped and source.edit(escaped.start, escaped.end, re.sub(r"\\(['\"])", r"\1", escaped.text))


def _smart_quotes(source: Source, rng: Random) -> Change | None:
    token = pick(rng, [t for t in _short_strings(source) if t.text[0] in "\"'"])
    if token is None:
        return None
    left, right = ("“", "”") if token.text[0] == '"' else ("‘", "’")
    return source.edit(token.start, token.end, left + token.text[1:-1] + right)


def _docstring_end_missing(source: Source, rng: Random) -> Change | None:
    place = pick(rng, _docstrings(source))
    return place and source.edit(place[2].end - 3, place[2].end, "")


def _docstring_opener_missing(source: Source, rng: Random) -> Change | None:
    place = pick(rng, _docstrings(source))
    if place is None:
        return None
    _, statement, token = place
    if source.lines[statement.start].strip() == token.text[:3] and rng.random() < 0.6:
        return Change(statement.start, statement.start + 1, ())
    return source.edit(token.start, token.start + 3, "")


def _docstring_quote_lost(source: Source, rng: Random) -> Change | None:
    place = pick(rng, _docstrings(source))
    if place is None:
        return None
    token = place[2]
    if rng.random() < 0.5:
        return source.edit(token.end - 1, token.end, "")
    return source.edit(token.start, token.start + 1, "")


def _docstring_joined_with_next(source: Source, rng: Random) -> Change | None:
    places = [p for p in _docstrings(source) if p[0] + 1 < len(source.statements)]
    top = [p for p in places if p[0] == 0]
    place = pick(rng, top if top and rng.random() < 0.45 else places)
    if place is None:
        return None
    following = source.statements[place[0] + 1]
    if any(line.strip() for line in source.lines[place[1].end : following.start]):
        return None
    last = source.lines[place[1].end - 1].rstrip()
    joined = last + source.lines[following.start][following.indent :]
    left = ("",) if rng.random() < 0.3 else ()
    return Change(place[1].end - 1, following.start + 1, (joined, *left))


def _docstring_ended_twice(source: Source, rng: Random) -> Change | None:
    place = pick(rng, [p for p in _docstrings(source) if p[1].end > p[1].start + 2])
    if place is None:
        return None
    middle = rng.randrange(place[1].start + 1, place[1].end - 1)
    return source.insert(middle, " " * place[1].indent + place[2].text[-3:])


def _same_quotes_in_f_string(source: Source, rng: Random) -> Change | None:
    found = []
    for token in _short_strings(source):
        if token.text[0] not in "fF":
            continue
        for match in _NEWER.finditer(token.text[2:-1]):
            if match[1] != token.text[-1]:
                found.append((token, match.start() + 2, match[0].replace(match[1], token.text[-1])))
    place = pick(rng, found)
    if place is None:
        return None
    token, start, text = place
    return source.edit(token.start + start, token.start + start + len(text), text)


def _f_string_without_quotes(source: Source, rng: Random) -> Change | None:
    found = []
    for token in _short_strings(source):
        if token.text[0] in "fF":
            found += [(token, m) for m in re.finditer(r"\{[^{}]*?([\"'])([^\"'{}]*)\1[^{}]*\}", token.text)]
    place = pick(rng, found)
    if place is None:
        return None
    token, match = place
    return source.edit(token.start + match.start(1), token.start + match.end(2) + 1, match[2])


def _f_string_brace_missing(source: Source, rng: Random) -> Change | None:
    found = [(t, i) for t in _short_strings(source) if t.text[0] in "fF" for i, c in enumerate(t.text) if c in "{}"]
    place = pick(rng, found)
    return place and source.edit(place[0].start + place[1], place[0].start + place[1] + 1, "")


def _backslash_in_f_string(source: Source, rng: Random) -> Change | None:
    found = []
    for token in _short_strings(source):
        if token.text[0] in "fF":
            found += [(token, m) for m in re.finditer(r"\{[^{}\\]*?([\"'])[^\"'{}]*\1[^{}]*\}", token.text)]
    place = pick(rng, found)
    if place is None:
        return None
    token, match = place
    return source.edit(
        token.start + match.start(), token.start + match.end(), match[0].replace(match[1], "\\" + match[1])
    )


BREAKERS = (
    Breaker("string-quote-missing-at-end", 2, _quote_missing_at_end),
    Breaker("string-quote-missing-at-start", 1, _quote_missing_at_start),
    Breaker("string-quote-of-other-kind", 0.6, _quote_of_other_kind),
    Breaker("string-broken-over-lines", 1.5, _broken_over_lines),
    Breaker("string-inner-quote-not-escaped", 1, _inner_quote_not_escaped),
    Breaker("string-smart-quotes", 1, _smart_quotes),
    Breaker("docstring-end-missing", 1, _docstring_end_missing),
    Breaker("docstring-opener-missing", 1, _docstring_opener_missing),
    Breaker("docstring-quote-lost", 0.6, _docstring_quote_lost),
    Breaker("docstring-joined-with-next", 5, _docstring_joined_with_next),
    Breaker("docstring-ended-twice", 0.7, _docstring_ended_twice),
    Breaker("f-string-same-quotes", 3, _same_quotes_in_f_string),
    Breaker("f-string-without-quotes", 0.5, _f_string_without_quotes),
    Breaker("f-string-brace-missing", 0.7, _f_string_brace_missing),
    Breaker("f-string-backslash", 0.8, _backslash_in_f_string),
)
