"""Colons, commas, operators and words that are missing, doubled or taken for one another."""

from __future__ import annotations

import re
from random import Random

from benchmarks.corpus.breaker import Breaker
from benchmarks.corpus.source import Change, Source, Statement, pick
from sophia_cli.fixers.syntax.tokens import Token, TokenKind

_SLIPS = {
    "import": "improt", "return": "retrun", "class": "calss", "else": "esle", "def": "dfe", "for": "fro",
    "while": "whlie", "from": "form", "except": "exept", "lambda": "lamda", "with": "wiht", "elif": "elseif",
}  # fmt: skip


def _statement_tokens(source: Source, statement: Statement) -> list[Token]:
    return [t for t in source.solid() if statement.start < t.line <= statement.end]


def _block_colons(source: Source) -> list[Token]:
    starts = {source.statements[h].start: source.statements[h] for h in source.headers()}
    ends = {s.end for s in starts.values()}
    return [t for t in source.operators(":") if t.line in ends and not _rest(source, t).split("#")[0].strip()]


def _rest(source: Source, token: Token) -> str:
    return source.lines[token.line - 1][token.column - 1 + len(token.text) :]


def _colon_missing(source: Source, rng: Random) -> Change | None:
    token = pick(rng, _block_colons(source))
    return token and source.edit(token.start, token.end, "")


def _colon_extra(source: Source, rng: Random) -> Change | None:
    lines = [
        i
        for i in source.code_lines()
        if source.lines[i].rstrip()[-1] in ")]}'\"abcdefgimnoprst" and "#" not in source.lines[i]
    ]
    index = pick(rng, lines)
    return None if index is None else source.line(index, source.lines[index].rstrip() + ":")


def _colon_for_other(source: Source, rng: Random) -> Change | None:
    token = pick(rng, _block_colons(source))
    return token and source.edit(token.start, token.end, rng.choice((";", ".", "::", "{", ",")))


def _comma_at_line_end_missing(source: Source, rng: Random) -> Change | None:
    commas = [t for t in source.operators(",") if not _rest(source, t).split("#")[0].strip()]
    inside = [t for t in commas if source.lines[t.line : t.line + 1] and source.lines[t.line].strip()[:1] not in ")]}"]
    token = pick(rng, inside)
    return token and source.edit(token.start, token.end, "")


def _comma_missing(source: Source, rng: Random) -> Change | None:
    token = pick(rng, [t for t in source.operators(",") if _rest(source, t).strip()])
    return token and source.edit(token.start, token.end, "")


def _comma_in_import_missing(source: Source, rng: Random) -> Change | None:
    spans = [(s.start + 1, s.end) for s in source.statements if s.word in ("from", "import")]
    commas = [t for t in source.operators(",") if any(a <= t.line <= b for a, b in spans)]
    token = pick(rng, commas)
    return token and source.edit(token.start, token.end, "")


def _comma_doubled(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.operators(","))
    return token and source.edit(token.end, token.end, ",")


def _import_comma_trailing(source: Source, rng: Random) -> Change | None:
    lines = [s for s in source.statements if s.word == "from" and s.end == s.start + 1]
    lines = [s for s in lines if source.lines[s.start].rstrip()[-1] not in "*)" and "#" not in source.lines[s.start]]
    statement = pick(rng, lines)
    return None if statement is None else source.line(statement.start, source.lines[statement.start].rstrip() + ",")


def _operator_missing(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.operators("= = + - * / == != < > . += % <= >= | ->"))
    return token and source.edit(token.start, token.end, "")


def _assignment_missing(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.operators("="))
    return token and source.edit(token.start, token.end, rng.choice(("", "", "= =", "-", "=+ =")))


def _operator_doubled(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.operators("= + * / . == ="))
    return token and source.edit(token.end, token.end, rng.choice((token.text, " " + token.text, " =")))


def _equals_for_colon(source: Source, rng: Random) -> Change | None:
    colons = [t for t in source.operators(":") if source.text[t.start - 1 : t.start] in ("'", '"')]
    token = pick(rng, colons)
    return token and source.edit(token.start, token.end, rng.choice((" =", "=")))


def _colon_for_equals(source: Source, rng: Random) -> Change | None:
    arguments = [t for t in source.operators("=") if source.text[t.end : t.end + 1] not in (" ", "=")]
    token = pick(rng, arguments)
    return token and source.edit(token.start, token.end, rng.choice((": ", ":", " : ")))


def _single_equals(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.operators("=="))
    return token and source.edit(token.start, token.end, "=")


def _word_missing(source: Source, rng: Random) -> Change | None:
    words = [
        t
        for t in source.solid()
        if t.text
        in (
            "for",
            "in",
            "def",
            "import",
            "class",
            "if",
            "else",
            "as",
            "is",
            "and",
            "from",
            "not",
            "with",
            "except",
            "lambda",
        )
    ]
    kinds = sorted({t.text for t in words})
    kind = pick(rng, kinds)
    token = pick(rng, [t for t in words if t.text == kind])
    if token is None:
        return None
    space = 1 if source.text[token.end : token.end + 1] == " " else 0
    return source.edit(token.start, token.end + space, "")


def _word_misspelt(source: Source, rng: Random) -> Change | None:
    words = [t for t in source.solid() if t.kind is TokenKind.KEYWORD and t.text in _SLIPS]
    kind = pick(rng, sorted({t.text for t in words}))
    token = pick(rng, [t for t in words if t.text == kind])
    return token and source.edit(token.start, token.end, _SLIPS[token.text])


def _else_if(source: Source, rng: Random) -> Change | None:
    token = pick(rng, [t for t in source.solid() if t.text == "elif"])
    return token and source.edit(token.start, token.end, "else if")


def _other_language(source: Source, rng: Random) -> Change | None:
    words = [
        t for t in source.solid() if t.text in ("and", "or", "not", "True", "None") and t.kind is TokenKind.KEYWORD
    ]
    words = [t for t in source.solid() if t.text in ("and", "or", "not")]
    token = pick(rng, words)
    return token and source.edit(token.start, token.end, {"and": "&&", "or": "||", "not": "!"}[token.text])


def _c_conditional(source: Source, rng: Random) -> Change | None:
    found = [
        (number, match)
        for number in source.code_lines()
        if (match := re.search(r"([\w.()\[\]]+) if ([\w.() ]+) else ([\w.()\[\]]+)", source.lines[number]))
    ]
    place = pick(rng, found)
    if place is None:
        return None
    number, match = place
    line = source.lines[number]
    return source.line(number, f"{line[: match.start()]}{match[2]} ? {match[1]} : {match[3]}{line[match.end() :]}")


def _line_break_after_operator(source: Source, rng: Random) -> Change | None:
    outside = []
    for statement in source.statements:
        if statement.end != statement.start + 1 or statement.word in ("import", "from", "@"):
            continue
        depth = 0
        for token in _statement_tokens(source, statement):
            depth += (token.text in "([{") - (token.text in ")]}")
            if (
                not depth
                and token.text in ("and", "or", "+", "-", "*", "/", "==", "%", "=")
                and _rest(source, token).strip()
            ):
                outside.append((statement, token))
    place = pick(rng, outside)
    if place is None:
        return None
    statement, token = place
    return source.edit(token.end, token.end + 1, "\n" + " " * (statement.indent + rng.choice((0, 4, 4, 8))))


def _backslash_missing(source: Source, rng: Random) -> Change | None:
    lines = [i for i in source.code_lines() if source.lines[i].endswith("\\") and i + 1 not in source.string_lines]
    index = pick(rng, lines)
    if index is None:
        return None
    return source.line(index, source.lines[index][:-1].rstrip() + rng.choice(("", "", "/", "\\ ")))


BREAKERS = (
    Breaker("missing-colon", 2.5, _colon_missing),
    Breaker("extra-colon", 1, _colon_extra),
    Breaker("other-for-colon", 0.5, _colon_for_other),
    Breaker("missing-comma-at-line-end", 4, _comma_at_line_end_missing),
    Breaker("missing-comma", 1.5, _comma_missing),
    Breaker("missing-comma-in-import", 2.5, _comma_in_import_missing),
    Breaker("doubled-comma", 0.4, _comma_doubled),
    Breaker("trailing-comma-in-import", 1.5, _import_comma_trailing),
    Breaker("missing-operator", 1, _operator_missing),
    Breaker("missing-assignment", 0.8, _assignment_missing),
    Breaker("doubled-operator", 0.5, _operator_doubled),
    Breaker("equals-for-colon", 0.8, _equals_for_colon),
    Breaker("colon-for-equals", 0.5, _colon_for_equals),
    Breaker("single-equals", 0.8, _single_equals),
    Breaker("missing-word", 1.5, _word_missing),
    Breaker("misspelt-word", 1, _word_misspelt),
    Breaker("else-if", 0.7, _else_if),
    Breaker("other-language-operator", 0.4, _other_language),
    Breaker("c-conditional", 0.5, _c_conditional),
    Breaker("line-break-after-operator", 2, _line_break_after_operator),
    Breaker("missing-backslash", 1, _backslash_missing),
)
