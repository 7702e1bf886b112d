"""Edits of the arguments of a call; everything around them stays as it is."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from sophia_cli.core.findings import Edit
from sophia_cli.core.values import dataclass
from sophia_cli.project.code.calls import Call, Keyword
from sophia_cli.project.source import SourceText, line_edits

_REST_OF_ARGUMENT = re.compile(r"[ \t]*,[ \t]*")
_ONLY_A_COMMENT = re.compile(r"[ \t]*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class SourceCall:
    """A call in the text. `values` are those of keywords, by line and name; `dumps` those of all arguments.

    `spans` are where its arguments stand, in their order: line, column, end line, end column, from 1 and in characters.
    """

    values: Mapping[tuple[int, str], ast.expr]
    dumps: tuple[str, ...]
    spans: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class SourceCalls:
    """Calls of a text, by the line that they begin on: looking many up costs one reading of the text."""

    source: SourceText
    by_line: Mapping[int, Sequence[ast.Call]]


def calls_in(source: SourceText, lines: Iterable[int]) -> SourceCalls:
    """Return the calls of a text that begin on these lines, outer ones first; none where it does not compile."""
    by_line: dict[int, list[ast.Call]] = {line: [] for line in sorted(lines)}
    wanted = tuple(by_line)
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return SourceCalls(source, {})
    pending: deque[ast.AST] = deque([tree])
    while pending:
        node = pending.popleft()
        if isinstance(node, ast.Call) and node.lineno in by_line:
            by_line[node.lineno].append(node)
        pending.extend(child for child in ast.iter_child_nodes(node) if _holds_any(child, wanted))
    return SourceCalls(source, by_line)


def _holds_any(node: ast.AST, lines: Sequence[int]) -> bool:
    """Whether one of the lines is one of a node's, or the node has none of its own."""
    if not isinstance(node, ast.stmt | ast.expr):
        return True
    decorators = getattr(node, "decorator_list", ())
    first = min((node.lineno, *(decorator.lineno for decorator in decorators)))
    at = bisect_left(lines, first)
    return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)


def source_call(calls: SourceCalls, call: Call) -> SourceCall | None:
    """Find a call in the text again; None where the text holds no such call."""
    lines = calls.source.lines
    for node in calls.by_line.get(call.line, ()):
        if _is_the_call(node, call, lines):
            arguments: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
            arguments.sort(key=lambda item: (item.lineno, item.col_offset))
            return SourceCall(
                {(keyword.lineno, keyword.arg): keyword.value for keyword in node.keywords if keyword.arg is not None},
                tuple(ast.dump(item.value if isinstance(item, ast.keyword) else item) for item in arguments),
                tuple(_span(item, lines) for item in arguments),
            )
    return None


def renamed(source: SourceText, keyword: Keyword, name: str, path: str) -> Edit | None:
    """Return the edit that gives a keyword another name, None where the encoding lacks a letter of it."""
    line = source.lines[keyword.line - 1]
    start = keyword.column - 1
    changed = line[:start] + name + line[start + len(keyword.name) :]
    return _edit(source, keyword.line - 1, keyword.line, [changed], path)


def removed(source: SourceText, call: SourceCall, keyword: Keyword, path: str) -> Edit | None:
    """Return the edit that takes an argument out, with its comma, and with its lines where it stands alone on them."""
    at = next((i for i, span in enumerate(call.spans) if span[:2] == (keyword.line, keyword.column)), None)
    if at is None:
        return None
    line, column, end_line, end_column = call.spans[at]
    lines = source.lines
    before, after = lines[line - 1][: column - 1], lines[end_line - 1][end_column - 1 :]
    comma = _REST_OF_ARGUMENT.match(after)
    behind = after[comma.end() :] if comma else after
    if not before.strip() and _ONLY_A_COMMENT.match(behind):
        return _edit(source, line - 1, end_line, [], path)
    if comma:
        return _edit(source, line - 1, end_line, [before + behind], path)
    if at == 0:
        return _edit(source, line - 1, end_line, [before + after.lstrip(" \t")], path)
    _, _, last_line, last_column = call.spans[at - 1]
    kept = lines[last_line - 1][: last_column - 1]
    between = lines[last_line - 1][last_column - 1 :] if last_line != line else ""
    if "#" in between:
        # The comment behind the argument before stays, and so does its comma.
        return _edit(source, line - 1, end_line, [before.rstrip() + after.lstrip()], path)
    return _edit(source, last_line - 1, end_line, [kept + after], path)


def _edit(source: SourceText, start: int, end: int, replacement: list[str], path: str) -> Edit | None:
    try:
        return line_edits(source, start, end, replacement, path)
    except UnicodeEncodeError:
        return None


def _is_the_call(node: ast.Call, call: Call, lines: list[str]) -> bool:
    named = [keyword.arg for keyword in node.keywords if keyword.arg is not None]
    if named != [keyword.name for keyword in call.keywords]:
        return False
    return _column(lines, node.lineno, node.col_offset) == call.column and bool(named)


def _span(node: ast.expr | ast.keyword, lines: list[str]) -> tuple[int, int, int, int]:
    end_line, end_offset = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    column = _column(lines, node.lineno, node.col_offset)
    return (node.lineno, column, end_line, _column(lines, end_line, end_offset))


def _column(lines: list[str], line: int, offset: int) -> int:
    content = lines[line - 1]
    if content.isascii():
        return offset + 1
    return len(content.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace")) + 1
