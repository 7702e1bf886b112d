"""Single statements of a broken text, parsed alone, with the lines and columns that they have in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from sophia_cli.project.code.tolerant_blocks import Block, Item
from sophia_cli.project.code.tolerant_mask import JOIN

_LONGEST = 50_000
_ODD_MODULE = re.compile(r"[ \t\f]*(from|import)[ \t]+(\.*[\w-]+(?:\.[\w-]+)*)(?![^ \t\n])")
_MOST_PARTS = 200


def parsed(text: str, mask: str, item: Item) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield the statements on a logical line, with whether each parses as it stands.

    Where the whole does not parse, its parts between semicolons are tried, and an open bracket is closed.
    """
    whole = _parse(text, item.start, item.begin, item.end, item.line)
    if whole is not None:
        yield from ((statement, True) for statement in whole)
        return
    parts = list(_parts(mask, item))
    for begin, end in parts[:_MOST_PARTS]:
        found = _parse(text, item.start, begin, end, item.line) if len(parts) > 1 else None
        if found is None:
            found = _with_odd_module(text, item, begin, end)
        if found is not None:
            yield from ((statement, True) for statement in found)
        else:
            yield from ((statement, False) for statement in _completed(text, item, begin, end))


def _with_odd_module(text: str, item: Item, begin: int, end: int) -> list[ast.stmt] | None:
    """Return an import of a module that no import can name (`tools.my-module`, `jobs.2024`, `steps.import`)."""
    odd = _ODD_MODULE.match(text, begin, end)
    if odd is None:
        return None
    written = odd.group(2)
    stand_in = ".".join("x" * len(part) for part in written.split("."))
    plain = text[item.start : odd.start(2)] + stand_in + text[odd.end(2) : end]
    found = _parse(plain, 0, begin - item.start, len(plain), item.line)
    match found:
        case [ast.ImportFrom(level=level) as statement]:
            statement.module = written[level:]
            return [statement]
        case [ast.Import(names=[alias])]:
            alias.name = written
            return found
    return None


def _completed(text: str, item: Item, begin: int, end: int) -> list[ast.stmt]:
    """Return a `from` import whose end is missing, none for anything else."""
    for missing in (")", " x", " x)"):
        match _parse(text, item.start, begin, end, item.line, missing):
            case [ast.ImportFrom() as statement]:
                if missing != ")":
                    statement.names.pop()
                return [statement]
    return []


def parsed_header(text: str, block: Block) -> ast.stmt | None:
    """Return a compound statement with an empty body, None when its header does not parse."""
    found = _parse(text, block.begin, block.begin, block.end, block.line, ": pass")
    return found[0] if found else None


def parsed_expression(text: str) -> ast.expr | None:
    """Return an expression, None when the text is none."""
    if len(text) > _LONGEST:
        return None
    try:
        return ast.parse(f"({text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parts(mask: str, item: Item) -> Iterator[tuple[int, int]]:
    begin = item.begin
    while begin < item.end:
        end = mask.find(";", begin, item.end)
        end = item.end if end < 0 else end
        if mask[begin:end].strip(f" \t\f{JOIN}"):
            yield begin, end
        begin = end + 1


def _parse(text: str, start: int, begin: int, end: int, line: int, missing: str = "") -> list[ast.stmt] | None:
    """Parse [begin, end) of a text as if what stands before it on its line, from `start` on, were indentation."""
    if end - start > _LONGEST:
        return None
    before = text[start:begin]
    line += before.count("\n")
    before = before.rpartition("\n")[2]
    code = text[begin:end]
    body = code.lstrip(" \t\f")
    indentation = " " * (len(before.encode()) + len(code) - len(body))
    source = f"if 1:\n{indentation}{body}{missing}\n" if indentation else f"{body}{missing}\n"
    try:
        found = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if indentation:
        if len(found) != 1 or not isinstance(found[0], ast.If):
            return None
        found = found[0].body
        line -= 1
    for statement in found:
        ast.increment_lineno(statement, line - 1)
    return found
