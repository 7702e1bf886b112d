"""Statements that stand where they cannot: injected, moved, cut off, pasted twice, outside their function."""

from __future__ import annotations

import ast
import re
from random import Random

from benchmarks.corpus.breaker import Breaker
from benchmarks.corpus.source import Change, Source, pick

_INJECTED = (
    "import os",
    "import logging",
    "from typing import Any",
    "from app.core.config import get_setting",
    "from backend.core.settings import get_config_value",
    "from .metrics import track_time",
    "logger = logging.getLogger(__name__)",
    "PORT = 9005",
)
_DECORATORS = ("@staticmethod", "@retry", "@track_time", "@monitor.measure", "@cache")


def _import_injected(source: Source, rng: Random) -> Change | None:
    inside_brackets = [i for i in source.code_lines() if source.bracket_lines[i]]
    imports = [
        i
        for i in inside_brackets
        if any(s.start < i < s.end and s.word in ("from", "import") for s in source.statements)
    ]
    bodies = [s.start for s in source.statements if s.indent]
    tries = [source.statements[h + 1].start for h in source.headers() if source.statements[h].word == "try"]
    choice = rng.random()
    places = imports if choice < 0.3 else tries if choice < 0.6 else bodies if choice < 0.9 else inside_brackets
    number = pick(rng, places or bodies)
    if number is None:
        return None
    if number in tries and rng.random() < 0.7:
        number += 1
    blank = ("",) if rng.random() < 0.2 else ()
    return source.insert(number, rng.choice(_INJECTED), *blank)


def _future_moved_down(source: Source, rng: Random) -> Change | None:
    statements = source.statements
    found = [i for i, s in enumerate(statements) if source.lines[s.start].startswith("from __future__")]
    imports = [i for i, s in enumerate(statements) if not s.indent and s.word in ("import", "from")]
    if found and (later := [i for i in imports if i > found[0]]):
        future = statements[found[0]]
        target = statements[rng.choice(later[:3])]
        moved = source.lines[future.start : future.end]
        between = source.lines[future.end : target.end]
        return Change(future.start, target.end, (*between, *moved))
    if not imports or found:
        return None
    end = statements[rng.choice(imports[:3])].end
    return Change(end, end, ("from __future__ import annotations",))


def _line_before_future(source: Source, rng: Random) -> Change | None:
    found = [s for s in source.statements if source.lines[s.start].startswith("from __future__")]
    return source.insert(found[0].start, rng.choice(_INJECTED)) if found else None


def _decorator_inside(source: Source, rng: Random) -> Change | None:
    functions = [h for h in source.headers() if source.statements[h].word in ("def", "async")]
    header = pick(rng, functions)
    if header is None:
        return None
    statement = source.statements[header]
    return source.insert(statement.end, " " * statement.indent + rng.choice(_DECORATORS))


def _suite_deleted(source: Source, rng: Random) -> Change | None:
    alone = [h for h in source.headers() if source.body(h)[1] == h + 2]
    alone = [
        h
        for h in alone
        if source.lines[source.statements[h + 1].start].strip() in ("pass", "...", "return", "continue")
    ]
    header = pick(rng, alone)
    if header is None:
        return None
    body = source.statements[header + 1]
    return Change(body.start, body.end, ())


def _header_word_line_deleted(source: Source, rng: Random) -> Change | None:
    fixed = ("try:", "else:", "finally:")
    headers = [h for h in source.headers() if source.lines[source.statements[h].start].strip() in fixed]
    header = pick(rng, headers)
    return None if header is None else Change(source.statements[header].start, source.statements[header].end, ())


def _tail_pasted_twice(source: Source, rng: Random) -> Change | None:
    statement = pick(rng, [s for s in source.statements if s.end > s.start + 2])
    if statement is None:
        return None
    start = rng.randrange(statement.start + 1, statement.end)
    end = min(len(source.lines), statement.end + rng.choice((0, 0, 1, 3)))
    return source.insert(end, *source.lines[start:end])


def _async_dropped(source: Source, rng: Random) -> Change | None:
    functions = [n for n in ast.walk(source.tree) if isinstance(n, ast.AsyncFunctionDef)]
    node = pick(rng, functions)
    if node is None:
        return None
    line = source.lines[node.lineno - 1]
    return source.line(node.lineno - 1, line.replace("async def", "def", 1))


def _await_added(source: Source, rng: Random) -> Change | None:
    if "asyncio" not in source.text:
        return None
    calls = [
        node
        for function in ast.walk(source.tree)
        if isinstance(function, ast.FunctionDef)
        for node in function.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    node = pick(rng, calls)
    if node is None:
        return None
    line = source.lines[node.lineno - 1]
    return source.line(node.lineno - 1, line[: node.col_offset] + "await " + line[node.col_offset :])


def _return_outside(source: Source, rng: Random) -> Change | None:
    returns = [
        s
        for s in source.statements
        if s.word in ("return", "yield", "await") and s.indent == 4 and s.end == s.start + 1
    ]
    statement = pick(rng, returns)
    return None if statement is None else source.shifted(statement.start, statement.end, -4)


def _late_global(source: Source, rng: Random) -> Change | None:
    found = [(i, s) for i, s in enumerate(source.statements) if s.word in ("global", "nonlocal")]
    place = pick(rng, found)
    if place is None:
        return None
    index, statement = place
    later = index + 1
    while later + 1 < len(source.statements) and source.statements[later + 1].indent >= statement.indent:
        later += 1
        name = source.lines[statement.start].split()[-1]
        if re.search(rf"\b{re.escape(name)}\b", source.lines[source.statements[later].start]):
            break
    line = source.lines[statement.start]
    after = source.statements[later]
    copy = " " * after.indent + line.lstrip()
    if rng.random() < 0.5:
        return Change(after.end, after.end, (copy,))
    return Change(statement.start, after.end, (*source.lines[statement.end : after.end], copy))


def _statements_joined(source: Source, rng: Random) -> Change | None:
    statements = source.statements
    places = [i for i in range(len(statements) - 1) if statements[i + 1].start == statements[i].end]
    places = [
        i
        for i in places
        if statements[i].indent == statements[i + 1].indent and "#" not in source.lines[statements[i].end - 1]
    ]
    index = pick(rng, places)
    if index is None:
        return None
    first, second = statements[index], statements[index + 1]
    space = rng.choice(("", " ", " "))
    joined = source.lines[first.end - 1].rstrip() + space + source.lines[second.start].lstrip()
    return Change(first.end - 1, second.start + 1, (joined,))


def _header_joined_with_body(source: Source, rng: Random) -> Change | None:
    statements = source.statements
    headers = [h for h in source.headers() if statements[h + 1].start == statements[h].end]
    header = pick(rng, [h for h in headers if source.body(h)[1] > h + 2])
    if header is None:
        return None
    first, second = source.statements[header], source.statements[header + 1]
    joined = source.lines[first.end - 1].rstrip() + rng.choice(("", " ")) + source.lines[second.start].lstrip()
    return Change(first.end - 1, second.start + 1, (joined,))


def _cut_off(source: Source, rng: Random) -> Change | None:
    """Cut the last lines' end: the text itself is gone, so only what closes brackets or strings can be put back."""
    last = source.statements[-1] if source.statements else None
    if last is None:
        return None
    line = source.lines[last.end - 1].rstrip()
    cut = rng.randint(1, 3)
    return Change(last.end - 1, len(source.lines), (line[:-cut],)) if line[-1:] in ")]}\"'" else None


def _line_doubled(source: Source, rng: Random) -> Change | None:
    number = pick(rng, [source.statements[i].start for i in source.headers()])
    if number is None:
        return None
    return source.insert(number, source.lines[number])


BREAKERS = (
    Breaker("injected-import", 5, _import_injected),
    Breaker("future-moved-down", 2, _future_moved_down),
    Breaker("line-before-future", 1, _line_before_future),
    Breaker("decorator-inside", 1, _decorator_inside),
    Breaker("suite-deleted", 1.5, _suite_deleted),
    Breaker("clause-line-deleted", 0.5, _header_word_line_deleted),
    Breaker("tail-pasted-twice", 1.2, _tail_pasted_twice),
    Breaker("async-dropped", 2, _async_dropped),
    Breaker("await-added", 0.4, _await_added),
    Breaker("return-outside", 1, _return_outside),
    Breaker("late-global", 1, _late_global),
    Breaker("statements-joined", 0.8, _statements_joined),
    Breaker("header-joined-with-body", 0.5, _header_joined_with_body),
    Breaker("cut-off", 0.6, _cut_off),
    Breaker("header-doubled", 0.8, _line_doubled),
)
