"""Lines, runs of lines and whole bodies at the wrong depth."""

from __future__ import annotations

import ast
from random import Random

from benchmarks.corpus.breaker import Breaker
from benchmarks.corpus.source import Change, Source, pick

_CLAUSES = ("except", "else", "elif", "finally")


def _off_by_one(source: Source, rng: Random) -> Change | None:
    statement = pick(rng, [s for s in source.statements if s.end == s.start + 1])
    columns = rng.choice((-1, -1, 1, 1, 2, 3, -2))
    return None if statement is None else source.shifted(statement.start, statement.end, columns)


def _definition_off(source: Source, rng: Random) -> Change | None:
    chosen = pick(rng, [s for s in source.statements if s.word in ("def", "class", "@", "async") and s.indent])
    if chosen is None:
        return None
    columns = rng.choice((-1, -1, -1, 1, -3, -chosen.indent, 4))
    return source.shifted(chosen.start, chosen.end, columns)


def _docstring_opener_off(source: Source, rng: Random) -> Change | None:
    statement = pick(rng, [s for s in source.statements if s.word.startswith('"""')])
    if statement is None:
        return None
    columns = rng.choice((-1, -1, 1, 1, 4)) if not statement.indent else rng.choice((-1, -1, -1, 1, 1, -4, -99))
    return source.shifted(statement.start, statement.start + 1, columns)


def _line_to_parent(source: Source, rng: Random) -> Change | None:
    header = pick(rng, source.headers())
    if header is None:
        return None
    first = source.statements[header + 1]
    return source.shifted(first.start, first.end, source.statements[header].indent - first.indent)


def _line_to_column_zero(source: Source, rng: Random) -> Change | None:
    chosen = pick(rng, [s for s in source.statements if s.indent])
    return None if chosen is None else source.shifted(chosen.start, chosen.start + 1, -chosen.indent)


def _line_over_indented(source: Source, rng: Random) -> Change | None:
    statements = source.statements
    places = [i for i in range(1, len(statements)) if statements[i].indent <= statements[i - 1].indent]
    after_docstring = [i for i in places if statements[i - 1].word.startswith('"""')]
    index = pick(rng, after_docstring if after_docstring and rng.random() < 0.4 else places)
    return None if index is None else source.shifted(statements[index].start, statements[index].end, 4)


def _run_shifted(source: Source, rng: Random) -> Change | None:
    statements = source.statements
    first = pick(rng, [i for i, s in enumerate(statements) if s.indent])
    if first is None:
        return None
    last = min(len(statements), first + rng.randint(2, 7))
    end = first
    while end < last and statements[end].indent >= statements[first].indent:
        end += 1
    columns = rng.choice((-1, 1, 1, -4, -4, 4, 4, 2, -2))
    return source.shifted(statements[first].start, statements[end - 1].end, columns)


def _body_shifted(source: Source, rng: Random, columns: int, *, words: tuple[str, ...] | None = None) -> Change | None:
    headers = [h for h in source.headers() if words is None or source.statements[h].word in words]
    header = pick(rng, headers)
    if header is None:
        return None
    start, end = source.body(header)
    return source.shifted(source.statements[start].start, source.statements[end - 1].end, columns)


def _body_not_indented(source: Source, rng: Random) -> Change | None:
    short = [h for h in source.headers() if source.body(h)[1] - h <= 14]
    header = pick(rng, short)
    if header is None:
        return None
    start, end = source.body(header)
    columns = source.statements[header].indent - source.statements[start].indent
    return source.shifted(source.statements[start].start, source.statements[end - 1].end, columns)


def _method_body_over_indented(source: Source, rng: Random) -> Change | None:
    functions = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and ast.get_docstring(node) is not None
        and len(node.body) > 1
    ]
    node = pick(rng, functions)
    if node is None:
        return None
    start = node.body[0].end_lineno or 0
    end = node.body[-1].end_lineno or 0
    return source.shifted(start, end, 4)


def _clause_off(source: Source, rng: Random) -> Change | None:
    statements = source.statements
    clause = pick(rng, [h for h in source.headers() if statements[h].word in _CLAUSES])
    if clause is None:
        return None
    whole = rng.random() < 0.6
    end = source.body(clause)[1] if whole else clause + 1
    columns = rng.choice((4, 4, 1, -1)) if not statements[clause].indent else rng.choice((4, 4, -4, 1, -1))
    return source.shifted(statements[clause].start, statements[end - 1].end, columns)


def _first_statement_indented(source: Source, rng: Random) -> Change | None:
    if not source.statements:
        return None
    first = source.statements[0]
    return source.shifted(first.start, first.start + 1, rng.choice((1, 1, 4, 2)))


def _block_off_by_one(source: Source, rng: Random) -> Change | None:
    headers = [h for h in source.headers() if source.statements[h].indent and source.body(h)[1] - h <= 8]
    header = pick(rng, headers)
    if header is None:
        return None
    end = source.body(header)[1]
    return source.shifted(source.statements[header].start, source.statements[end - 1].end, rng.choice((-1, 1, -2, 2)))


def _tab_in_front(source: Source, rng: Random) -> Change | None:
    statement = pick(rng, [s for s in source.statements if s.indent and s.indent % 4 == 0 and s.end == s.start + 1])
    if statement is None:
        return None
    line = source.lines[statement.start]
    tabs = statement.indent // 4 if rng.random() < 0.7 else 1
    return source.line(statement.start, "\t" * tabs + line[4 * tabs :])


BREAKERS = (
    Breaker("indent-off-by-one", 5, _off_by_one),
    Breaker("indent-definition-off", 3.5, _definition_off),
    Breaker("indent-docstring-opener-off", 4, _docstring_opener_off),
    Breaker("indent-line-to-parent", 3, _line_to_parent),
    Breaker("indent-line-to-column-zero", 2, _line_to_column_zero),
    Breaker("indent-line-over-indented", 3, _line_over_indented),
    Breaker("indent-run-shifted", 3, _run_shifted),
    Breaker("indent-body-not-indented", 3, _body_not_indented),
    Breaker("indent-body-off", 1, lambda source, rng: _body_shifted(source, rng, rng.choice((-1, 1, -2, 4, 2)))),
    Breaker("indent-method-body-over-indented", 2.5, _method_body_over_indented),
    Breaker("indent-clause-off", 2, _clause_off),
    Breaker("indent-first-statement", 1.5, _first_statement_indented),
    Breaker("indent-block-off-by-one", 2, _block_off_by_one),
    Breaker("indent-tab", 1, _tab_in_front),
)
