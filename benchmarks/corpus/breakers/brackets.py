"""Brackets that are missing, doubled, of the wrong kind or closed too early."""

from __future__ import annotations

from random import Random

from benchmarks.corpus.breaker import Breaker
from benchmarks.corpus.source import Change, Source, pick
from sophia_cli.fixers.syntax.tokens import Token

_OTHER = {")": "]}", "]": ")}", "}": ")]"}


def _drop(source: Source, token: Token | None) -> Change | None:
    return token and source.edit(token.start, token.end, "")


def _at_line_end(source: Source, token: Token) -> bool:
    line = source.lines[token.line - 1]
    return not line[token.column :].strip(")]}:, ")


def _closer_at_line_end_missing(source: Source, rng: Random) -> Change | None:
    closers = [
        t for t in source.operators(") ] }") if _at_line_end(source, t) and source.lines[t.line - 1].strip(")]}, ")
    ]
    return _drop(source, pick(rng, closers))


def _closer_missing(source: Source, rng: Random) -> Change | None:
    return _drop(source, pick(rng, source.operators(") ] }")))


def _opener_missing(source: Source, rng: Random) -> Change | None:
    return _drop(source, pick(rng, source.operators("( [ {")))


def _closer_line_missing(source: Source, rng: Random) -> Change | None:
    lines = [i for i in source.code_lines() if source.lines[i].strip() in (")", "]", "}", "),", "],", "},", "})", "])")]
    index = pick(rng, lines)
    if index is None:
        return None
    return Change(index, index + 1, ("",) if rng.random() < 0.4 else ())


def _closer_doubled(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.operators(") ] }"))
    return token and source.edit(token.end, token.end, token.text)


def _opener_doubled(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.operators("( [ {"))
    return token and source.edit(token.end, token.end, token.text)


def _wrong_closer(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.operators(") ] }"))
    return token and source.edit(token.start, token.end, rng.choice(_OTHER[token.text]))


def _in_signature(source: Source, rng: Random) -> Change | None:
    spans = [(s.start + 1, s.end) for s in source.statements if s.word in ("def", "async", "class")]
    closers = [t for t in source.operators(") ]") if any(a <= t.line <= b for a, b in spans)]
    token = pick(rng, closers)
    if token is None:
        return None
    if rng.random() < 0.35:
        return source.edit(token.end, token.end, token.text)
    return _drop(source, token)


def _closed_early(source: Source, rng: Random) -> Change | None:
    lines = [
        i
        for i in source.code_lines()
        if source.bracket_lines[i] and source.lines[i].rstrip().endswith(",") and source.bracket_lines[i + 1]
    ]
    index = pick(rng, lines)
    if index is None:
        return None
    closer = {"(": ")", "[": "]", "{": "}"}[source.bracket_lines[index + 1][-1]]
    return source.line(index, source.lines[index].rstrip()[:-1] + closer)


def _stray_closer(source: Source, rng: Random) -> Change | None:
    statement = pick(rng, [s for s in source.statements if s.word not in ("def", "class", "@")])
    if statement is None:
        return None
    line = source.lines[statement.end - 1]
    return None if "#" in line else source.line(statement.end - 1, line.rstrip() + rng.choice(")))]}"))


BREAKERS = (
    Breaker("bracket-closer-at-line-end-missing", 4, _closer_at_line_end_missing),
    Breaker("bracket-closer-missing", 1.5, _closer_missing),
    Breaker("bracket-opener-missing", 0.8, _opener_missing),
    Breaker("bracket-closer-line-missing", 1.5, _closer_line_missing),
    Breaker("bracket-closer-doubled", 1.5, _closer_doubled),
    Breaker("bracket-opener-doubled", 0.5, _opener_doubled),
    Breaker("bracket-wrong-closer", 0.7, _wrong_closer),
    Breaker("bracket-in-signature", 2, _in_signature),
    Breaker("bracket-closed-early", 0.8, _closed_early),
    Breaker("bracket-stray-closer", 0.8, _stray_closer),
)
