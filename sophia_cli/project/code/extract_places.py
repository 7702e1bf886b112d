"""Places of what a tree holds: columns in characters, and where a module is written inside an import statement."""

from __future__ import annotations

import ast

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.code.facts import Place

_BLANK = late_pattern(r"[ \t\f]*(\\$)?")
_PART = late_pattern(r"\w+|\.")
_WORD = late_pattern(r"\w+")
_QUOTE = late_pattern(r"[rRuU]?(\"\"\"|'''|\"|')")


class Positions:
    """Turns the byte offsets of a tree into columns from 1, in characters of the text that the tree was read from."""

    __slots__ = ("_bytes", "_column", "_is_ascii", "_line", "_offset", "rows")

    def __init__(self, text: str) -> None:
        self.rows = text.split("\n")
        self._is_ascii = text.isascii()
        # The last place asked for in a row that is not ASCII, so that asking from left to right stays linear.
        self._line, self._offset, self._column, self._bytes = 0, 0, 1, b""

    def column(self, line: int, offset: int) -> int:
        """Return the column of the character at byte `offset` of a line."""
        if self._is_ascii or self.rows[line - 1].isascii():
            return offset + 1
        if line != self._line:
            self._line, self._bytes = line, self.rows[line - 1].encode("utf-8", "surrogatepass")
            self._offset, self._column = 0, 1
        elif offset < self._offset:
            self._offset, self._column = 0, 1
        between = self._bytes[self._offset : offset]
        self._column += len(between.decode("utf-8", "replace"))
        self._offset = offset
        return self._column

    def of(self, node: ast.stmt | ast.expr | ast.alias) -> Place:
        """Return the place of a node."""
        line, end_line = node.lineno, node.end_lineno or node.lineno
        start, end = node.col_offset, node.end_col_offset or node.col_offset
        if self._is_ascii:
            return Place(line, start + 1, end_line, end + 1)
        return Place(line, self.column(line, start), end_line, self.column(end_line, end))

    def of_name(self, alias: ast.alias) -> Place:
        """Return the place of the name in one item of a `from` import."""
        line, name = alias.lineno, alias.name
        column = self.column(line, alias.col_offset)
        if alias.asname is None:
            return Place(line, column, line, self.column(line, alias.end_col_offset or alias.col_offset))
        row = self.rows[line - 1]
        if row.startswith(name, column - 1):
            return Place(line, column, line, column + len(name))
        found = _WORD.match(row, column - 1)
        return Place(line, column, line, found.end() + 1 if found else column)

    def of_plain_module(self, alias: ast.alias) -> Place:
        """Return the place of the module in one item of a plain import."""
        line, column = alias.lineno, self.column(alias.lineno, alias.col_offset)
        if self.rows[line - 1].startswith(alias.name, column - 1) and alias.end_lineno == line:
            return Place(line, column, line, column + len(alias.name))
        return self._parts(line, column)

    def of_from_module(self, statement: ast.ImportFrom, written: str) -> Place:
        """Return the place of the module in a `from` import, dots included; `written` is its usual spelling."""
        line, column = statement.lineno, self.column(statement.lineno, statement.col_offset) + 4
        row = self.rows[line - 1]
        end = column + 1 + len(written)
        if row.startswith(written, column) and row.startswith(" import", end - 1):
            return Place(line, column + 1, line, end)
        return self._parts(line, column)

    def of_literal(self, literal: ast.Constant, written: str) -> Place:
        """Return the place of a module that a string names: what stands between the quotes, where it stands plainly."""
        whole = self.of(literal)
        row = self.rows[whole.line - 1]
        quote = _QUOTE.match(row, whole.column - 1)
        if quote is None or not row.startswith(written + quote.group(1), quote.end()):
            return whole
        return Place(whole.line, quote.end() + 1, whole.line, quote.end() + 1 + len(written))

    def _parts(self, line: int, column: int) -> Place:
        """Return the place of the dots and words from here to the next keyword, over continued lines."""
        first = last = (line, column, column)
        after_word = found_any = False
        position = column - 1
        while line <= len(self.rows):
            row = self.rows[line - 1]
            blank = _BLANK.match(row, position)
            if blank is not None and blank.group(1):
                line, position = line + 1, 0
                continue
            part = _PART.match(row, blank.end() if blank is not None else position)
            if part is None or (after_word and part.group() != ".") or part.group() == "import":
                break
            last = (line, part.start() + 1, part.end() + 1)
            if not found_any:
                first, found_any = last, True
            after_word = part.group() != "."
            position = part.end()
        return Place(first[0], first[1], last[0], last[2])
