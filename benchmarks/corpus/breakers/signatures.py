"""Faults of signatures and calls that only the compiler reports, and type parameters of a newer Python."""

from __future__ import annotations

import ast
import re
from random import Random

from benchmarks.corpus.breaker import Breaker
from benchmarks.corpus.source import Change, Source, pick

_EXTRA = ("timeout", "model_context", "options", "verbose", "session", "retries", "base_url")


def _functions(source: Source, least: int) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(node.args.args) >= least
    ]


def _offset(source: Source, line: int, column: int) -> int:
    """Return the offset of a place that the tree names (columns count UTF-8 bytes)."""
    text = source.lines[line - 1]
    return source.line_starts[line - 1] + len(text.encode()[:column].decode("utf-8", "ignore"))


def _span(source: Source, node: ast.expr | ast.arg) -> tuple[int, int]:
    return (
        _offset(source, node.lineno, node.col_offset),
        _offset(source, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
    )


def _separator(source: Source, first: ast.arg, second: ast.arg) -> str:
    """Return what stands between two arguments of a signature on its own lines, else a comma."""
    return ",\n" + " " * second.col_offset if first.lineno != second.lineno else ", "


def _argument_duplicated(source: Source, rng: Random) -> Change | None:
    node = pick(rng, _functions(source, 2))
    if node is None:
        return None
    arguments = node.args.args
    target = rng.randrange(1, len(arguments))
    if node.args.defaults and target >= len(arguments) - len(node.args.defaults):
        return None
    original = rng.choice(arguments[: target + 1])
    start, end = _span(source, original)
    place = _span(source, arguments[target])[1]
    return source.edit(
        place, place, _separator(source, arguments[target - 1], arguments[target]) + source.text[start:end]
    )


def _default_too_early(source: Source, rng: Random) -> Change | None:
    functions = [n for n in _functions(source, 3) if len(n.args.args) - len(n.args.defaults) >= 3]
    node = pick(rng, functions)
    if node is None:
        return None
    arguments = node.args.args
    target = rng.randrange(1, len(arguments) - len(node.args.defaults) - 1)
    place = _span(source, arguments[target])[1]
    default = rng.choice(("None", "0", '""', "True"))
    if rng.random() < 0.45:
        glue = " = " if arguments[target].annotation else "="
        return source.edit(place, place, glue + default)
    separator = _separator(source, arguments[target], arguments[target + 1])
    return source.edit(place, place, f"{separator}{rng.choice(_EXTRA)}={default}")


def _argument_without_default(source: Source, rng: Random) -> Change | None:
    functions = [n for n in _functions(source, 2) if n.args.defaults]
    node = pick(rng, functions)
    if node is None:
        return None
    last, value = node.args.args[-1], node.args.defaults[-1]
    place = _span(source, value)[1]
    before = node.args.args[-2]
    return source.edit(place, place, _separator(source, before, last) + rng.choice(_EXTRA))


def _arguments_swapped(source: Source, rng: Random) -> Change | None:
    functions = [n for n in _functions(source, 2) if n.args.defaults and len(n.args.args) > len(n.args.defaults)]
    node = pick(rng, functions)
    if node is None:
        return None
    arguments, defaults = node.args.args, node.args.defaults
    first = len(arguments) - len(defaults)
    if first < 1 or arguments[first - 1].arg in ("self", "cls"):
        return None
    left = _span(source, arguments[first - 1])
    right = (_span(source, arguments[first])[0], _span(source, defaults[0])[1])
    text = source.text
    return source.edit(
        left[0], right[1], text[right[0] : right[1]] + text[left[1] : right[0]] + text[left[0] : left[1]]
    )


def _positional_after_keyword(source: Source, rng: Random) -> Change | None:
    calls = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and node.args
        and node.keywords
        and node.keywords[0].arg
        and not isinstance(node.args[-1], ast.Starred | ast.GeneratorExp)
    ]
    node = pick(rng, calls)
    if node is None:
        return None
    left = _span(source, node.args[-1])
    word = node.keywords[0]
    right = (
        _offset(source, word.lineno, word.col_offset),
        _offset(source, word.end_lineno or word.lineno, word.end_col_offset or word.col_offset),
    )
    if right[0] < left[1]:
        return None
    text = source.text
    return source.edit(
        left[0], right[1], text[right[0] : right[1]] + text[left[1] : right[0]] + text[left[0] : left[1]]
    )


def _after_keywords(source: Source, rng: Random) -> Change | None:
    functions = [n for n in _functions(source, 1) if n.args.kwarg]
    node = pick(rng, functions)
    if node is None or node.args.kwarg is None:
        return None
    place = _span(source, node.args.kwarg)[1]
    return source.edit(place, place, rng.choice((f", {rng.choice(_EXTRA)}=None", f", {rng.choice(_EXTRA)}")))


def _bare_star(source: Source, rng: Random) -> Change | None:
    functions = [n for n in _functions(source, 1) if not n.args.kwonlyargs and not n.args.vararg and not n.args.kwarg]
    node = pick(rng, functions)
    if node is None:
        return None
    last = node.args.defaults[-1] if node.args.defaults else node.args.args[-1]
    place = _span(source, last)[1]
    return source.edit(place, place, ", *")


def _keyword_repeated(source: Source, rng: Random) -> Change | None:
    calls = [
        (node, word)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg and word.lineno == word.end_lineno
    ]
    place = pick(rng, calls)
    if place is None:
        return None
    _, word = place
    start = _offset(source, word.lineno, word.col_offset)
    end = _offset(source, word.end_lineno or word.lineno, word.end_col_offset or 0)
    return source.edit(end, end, ", " + source.text[start:end])


def _type_parameters(source: Source, rng: Random) -> Change | None:
    found = [
        (number, match)
        for number in source.code_lines()
        if (match := re.match(r"(\s*class \w+)\(Generic\[([\w, ]+)\]\)(:.*)", source.lines[number]))
    ]
    place = pick(rng, found)
    if place is not None:
        number, match = place
        return source.line(number, f"{match[1]}[{match[2]}]{match[3]}")
    node = pick(rng, [n for n in _functions(source, 1) if not n.decorator_list])
    if node is None:
        return None
    line = source.lines[node.lineno - 1]
    return source.line(node.lineno - 1, line.replace(node.name + "(", node.name + "[T](", 1))


BREAKERS = (
    Breaker("signature-duplicate", 1.3, _argument_duplicated),
    Breaker("signature-default-too-early", 1.5, _default_too_early),
    Breaker("signature-without-default", 1.3, _argument_without_default),
    Breaker("signature-swapped", 0.8, _arguments_swapped),
    Breaker("signature-after-keywords", 0.8, _after_keywords),
    Breaker("signature-bare-star", 0.7, _bare_star),
    Breaker("call-positional-after-keyword", 1.6, _positional_after_keyword),
    Breaker("call-keyword-repeated", 0.7, _keyword_repeated),
    Breaker("type-parameters", 2, _type_parameters),
)
