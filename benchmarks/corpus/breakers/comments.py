"""Code that a tool or a person commented out, or that a comment swallowed."""

from __future__ import annotations

from random import Random

from benchmarks.corpus.breaker import Breaker
from benchmarks.corpus.source import Change, Source, pick
from sophia_cli.fixers.syntax.tokens import Token

_NOTES = (
    "# Changed from the default. Set the environment variable for production",
    "# noqa: see the deployment notes",
    "# TODO make this a setting",
    "# was 0.0.0.0",
    "# type: ignore",
)


def _inner_commas(source: Source) -> list[Token]:
    """Return commas inside round brackets that have code after them on their line or end it."""
    return [t for t in source.operators(",") if "#" not in source.lines[t.line - 1]]


def _comment_swallows_rest(source: Source, rng: Random) -> Change | None:
    token = pick(rng, [t for t in _inner_commas(source) if source.lines[t.line - 1][t.column :].strip()])
    return token and source.edit(token.start, token.start, "  " + rng.choice(_NOTES))


def _comment_swallows_comma(source: Source, rng: Random) -> Change | None:
    token = pick(rng, [t for t in _inner_commas(source) if not source.lines[t.line - 1][t.column :].strip()])
    return token and source.edit(token.start, token.start, "  " + rng.choice(_NOTES))


def _comment_swallows_end(source: Source, rng: Random) -> Change | None:
    tokens = [t for t in source.operators(") ] } :") if "#" not in source.lines[t.line - 1]]
    tokens = [t for t in tokens if source.lines[t.line - 1][t.column - 1 :].strip(")]}:, ") == ""]
    token = pick(rng, tokens)
    return token and source.edit(token.start, token.start, "  " + rng.choice(_NOTES) + " ")


def _commented(line: str, rng: Random, style: int) -> str:
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    return (indent + "# " + body, "# " + line, "# Original: " + body, indent + "#" + body)[style]


def _call_opener_commented(source: Source, rng: Random) -> Change | None:
    multi = [s for s in source.statements if s.end > s.start + 2 and source.lines[s.start].rstrip()[-1:] in "([{"]
    multi = [
        s for s in multi if s.word not in ("def", "class", "from", "import", "if", "while", "for", "with", "async")
    ]
    statement = pick(rng, multi)
    if statement is None:
        return None
    return source.line(statement.start, _commented(source.lines[statement.start], rng, rng.randrange(4)))


def _closer_commented(source: Source, rng: Random) -> Change | None:
    lines = [i for i in source.code_lines() if source.lines[i].strip() and not source.lines[i].strip(" )]},")]
    number = pick(rng, lines)
    return None if number is None else source.line(number, _commented(source.lines[number], rng, 0))


def _body_commented(source: Source, rng: Random) -> Change | None:
    header = pick(rng, [h for h in source.headers() if source.body(h)[1] - h <= 7])
    if header is None:
        return None
    first, last = source.body(header)
    start, end = source.statements[first].start, source.statements[last - 1].end
    style = rng.choice((0, 1, 3))
    lines = (_commented(line, rng, style) if line.strip() else line for line in source.lines[start:end])
    return Change(start, end, tuple(lines))


def _header_commented(source: Source, rng: Random) -> Change | None:
    headers = [h for h in source.headers() if source.statements[h].end == source.statements[h].start + 1]
    header = pick(rng, headers)
    if header is None:
        return None
    number = source.statements[header].start
    return source.line(number, _commented(source.lines[number], rng, rng.choice((0, 1))))


def _replaced_at_column_zero(source: Source, rng: Random) -> Change | None:
    statement = pick(rng, [s for s in source.statements if s.indent >= 8 and s.end == s.start + 1])
    if statement is None or "=" not in source.lines[statement.start]:
        return None
    line = source.lines[statement.start].strip()
    return Change(statement.start, statement.end, (f"# Original: {line}", line))


BREAKERS = (
    Breaker("comment-swallows-rest", 3, _comment_swallows_rest),
    Breaker("comment-swallows-comma", 2, _comment_swallows_comma),
    Breaker("comment-swallows-end", 1, _comment_swallows_end),
    Breaker("comment-call-opener", 2.5, _call_opener_commented),
    Breaker("comment-closer", 0.6, _closer_commented),
    Breaker("comment-body", 1.5, _body_commented),
    Breaker("comment-header", 0.7, _header_commented),
    Breaker("comment-replaced-at-column-zero", 1, _replaced_at_column_zero),
)
