"""Statements of a text that need not compile: ranges of it, joined over brackets that are open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.values import dataclass
from sophia_cli.project.code.tolerant_mask import COVER, JOIN

_BRACKET = re.compile(r"[()\[\]{}]")
_STATEMENT = re.compile(
    rf"""[ \t\f]*(?:
        import[ \t]+[\w.]+[ \t]*(?:,|;|\Z|as\b)
      | from[ \t]+[.\w]+[ \t]+import\b
      | (?:async[ \t]+)?def[ \t]+\w+[ \t]*\(
      | class[ \t]+\w+[ \t]*[:(]
      | (?:return|raise|pass|break|continue|del|assert|global|nonlocal)\b(?![ \t]*[=:,)])
      | (?:try|finally|else)[ \t]*:[ \t]*\Z
      | (?:while|with|except|elif|if|for)\b[^:{COVER}{JOIN}]*:[ \t]*\Z
      | (?<![ \t\f])(?:@\w|[^\W\d]\w*[ ]=[ ][^,]*\Z)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A logical line: the range [start, end) of the text, its first line from 1, and its indentation in columns.

    `is_whole` is false where a bracket stayed open, or one before it did.
    """

    start: int
    end: int
    line: int
    indent: int
    is_whole: bool


def statements(text: str, mask: str) -> Iterator[Statement]:
    """Yield the statements of a text; `mask` is the text with strings and comments covered.

    A bracket that stays open does not take the rest of the text: a line that only a statement begins with ends it.
    """
    start = line = indent = depth = 0
    is_whole = True
    position, row_line = 0, 1
    for row in mask.split("\n"):
        end = position + len(row)
        if depth and _STATEMENT.match(row):
            yield Statement(start, position - 1, line, indent, False)
            depth = 0
            is_whole = False
        if not depth:
            code = row.lstrip(" \t\f")
            start, line = position, row_line
            indent = len(row[: len(row) - len(code)].replace("\f", "").expandtabs(8))
            is_empty = not code.strip(f" \t\f{JOIN}")
        else:
            is_empty = False
        if not is_empty:
            for bracket in _BRACKET.findall(row):
                if bracket in "([{":
                    depth += 1
                elif depth:
                    depth -= 1
            if not depth:
                yield Statement(start, end, line, indent, is_whole)
                is_whole = True
        row_line += 1 + (text.count("\n", position, end) if JOIN in row else 0)
        position = end + 1
    if depth:
        yield Statement(start, len(text), line, indent, False)
