"""Blocks of a text that need not compile, told by words and indentation: what stands around each statement."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.code.tolerant_lines import Statement
from sophia_cli.project.code.tolerant_mask import JOIN

_WORD = re.compile(rf"[ \t\f{JOIN}]*(@|[^\W\d]\w*)?(?:[ \t{JOIN}]+(def|with|for)\b)?")
_COLON = re.compile(r"[()\[\]{}]|:(?!=)")
_IMPORT = re.compile(r"(?:^|[;:])[ \t\f\x02]*(?:import|from)\b")


class BlockKind(Enum):
    """What a block is the body of."""

    FUNCTION = "function"
    CLASS = "class"
    IF = "if"
    ELSE = "else"
    TRY = "try"
    HANDLER = "handler"
    WITH = "with"
    FINALLY = "finally"
    OTHER = "other"


_KINDS = {
    "def": BlockKind.FUNCTION,
    "class": BlockKind.CLASS,
    "if": BlockKind.IF,
    "elif": BlockKind.IF,
    "else": BlockKind.ELSE,
    "try": BlockKind.TRY,
    "except": BlockKind.HANDLER,
    "finally": BlockKind.FINALLY,
    "with": BlockKind.WITH,
    "for": BlockKind.OTHER,
    "while": BlockKind.OTHER,
}
_SOFT = {"match": BlockKind.OTHER, "case": BlockKind.OTHER}
_CLAUSES = frozenset({"elif", "else", "except", "finally", "case"})


@dataclass(slots=True, eq=False)
class Block:
    """The body of a compound statement. `begin` to `end` is its header up to the colon; `after` is the block of the
    clause before it (`if` for `elif` and `else`, `try` for the rest); `handlers` are those of a `try`."""

    kind: BlockKind
    begin: int
    end: int
    line: int
    indent: int
    parent: Block | None
    after: Block | None
    handlers: list[Block] = field(default_factory=list)
    body_indent: int | None = None
    tries_import: bool = False
    last: Item | None = None


@dataclass(slots=True, eq=False)
class Item:
    """A simple statement, or what stands behind the colon of a compound one: the range [begin, end) of the text.

    `start` is where its first line begins. `is_certain` tells whether what stands around it is beyond doubt.
    """

    start: int
    begin: int
    end: int
    line: int
    parent: Block | None
    is_certain: bool


@dataclass(slots=True)
class Outline:
    """Blocks, outer ones before inner ones, and simple statements, in the order of the text."""

    blocks: list[Block] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


def outline(mask: str, statements: Iterable[Statement]) -> Outline:
    """Return the blocks and simple statements that these statements make up."""
    builder = _Builder(mask)
    for statement in statements:
        builder.take(statement)
    return builder.outline


class _Builder:
    def __init__(self, mask: str) -> None:
        self.outline = Outline()
        self._mask = mask
        self._open: list[Block] = []
        # Blocks that a simple statement left; the next line may show that they go on.
        self._left: list[Block] = []
        self._left_for: list[Item] = []
        self._latest: dict[tuple[int, int], Block] = {}
        self._unfilled: Block | None = None
        self._in_doubt: int | None = None

    def take(self, statement: Statement) -> None:
        """Take in the next statement."""
        found = _WORD.match(self._mask, statement.start)
        word = found.group(1) or "" if found is not None else ""
        if word == "async" and found is not None:
            word = found.group(2) or ""
        kind = _KINDS.get(word)
        if kind is None and word in _SOFT and self._mask[statement.start : statement.end].rstrip().endswith(":"):
            kind = _SOFT[word]
        indent = statement.indent
        is_expected = self._settle(indent, word if kind is not None or word == "@" else "")
        is_certain = statement.is_whole and is_expected
        if kind is None and word != "@":
            self._add_item(statement, statement.start, is_certain)
            return
        self._left, self._left_for = [], []
        if kind is None:
            self._in_doubt = None
            return
        self._open_block(statement, kind, word)

    def _settle(self, indent: int, clause: str) -> bool:
        """Close the blocks that a line of this indentation ends, open again those it goes on with; return whether
        it stands where a line may stand."""
        is_certain = True
        if self._unfilled is not None:
            if indent <= self._unfilled.indent:
                # A header whose body is missing, or has lost its indentation.
                self._in_doubt = self._unfilled.indent
            self._unfilled = None
        closed: list[Block] = []
        while self._open and self._open[-1].indent >= indent:
            block = self._open.pop()
            closed.append(block)
        expected = self._open[-1].body_indent if self._open else 0
        if expected is None:
            self._open[-1].body_indent = indent
        elif expected != indent:
            is_certain = self._reopen(indent)
        if clause in ("def", "class", "@"):
            self._in_doubt = None
        elif self._in_doubt is not None:
            if indent < self._in_doubt:
                self._in_doubt = None
            is_certain = is_certain and self._in_doubt is None
        if closed:
            self._left, self._left_for = closed[::-1], []
        return is_certain

    def _reopen(self, indent: int) -> bool:
        """Go on with blocks that an injected line seemed to end; return whether there are such."""
        inner = [block.body_indent is not None and block.body_indent <= indent for block in self._left]
        if True not in inner:
            return False
        kept = len(inner) - inner[::-1].index(True)
        is_expected = self._left[kept - 1].body_indent == indent
        self._open += self._left[:kept]
        for item in self._left_for:
            item.is_certain = False
        self._left, self._left_for = [], []
        return is_expected

    def _open_block(self, statement: Statement, kind: BlockKind, word: str) -> None:
        parent = self._open[-1] if self._open else None
        after = self._before(statement.indent, parent) if word in _CLAUSES else None
        colon = self._colon(statement)
        end = statement.end if colon is None else colon
        block = Block(kind, statement.start, end, statement.line, statement.indent, parent, after)
        if kind is BlockKind.HANDLER and after is not None:
            if not after.handlers:
                self._doubt_between(after)
            after.handlers.append(block)
        self._latest[(id(parent), statement.indent)] = block
        self.outline.blocks.append(block)
        if parent is not None:
            parent.last = None
        self._open.append(block)
        if colon is not None and self._mask[colon + 1 : statement.end].strip(f" \t\f{JOIN}"):
            block.body_indent = statement.indent
            self._add_item(statement, colon + 1, statement.is_whole)
        else:
            self._unfilled = block

    def _before(self, indent: int, parent: Block | None) -> Block | None:
        """Return the block whose statement a clause of this indentation goes on with: for clauses of a `try` the
        `try` itself, else the clause before."""
        block = self._latest.get((id(parent), indent))
        is_of_try = block is not None and block.after is not None and block.after.kind is BlockKind.TRY
        return block.after if block is not None and is_of_try else block

    def _doubt_between(self, tried: Block) -> None:
        """Doubt what stands between a `try` and its handlers without being in it."""
        for item in reversed(self.outline.items):
            if item.begin < tried.begin:
                return
            if item.parent is tried.parent:
                item.is_certain = False

    def _colon(self, statement: Statement) -> int | None:
        """Return where the colon of a header stands."""
        depth = 0
        for found in _COLON.finditer(self._mask, statement.start, statement.end):
            character = found.group()
            if character in "([{":
                depth += 1
            elif character != ":":
                depth -= 1
            elif depth <= 0:
                return found.start()
        return None

    def _add_item(self, statement: Statement, begin: int, is_certain: bool) -> None:
        parent = self._open[-1] if self._open else None
        item = Item(statement.start, begin, statement.end, statement.line, parent, is_certain)
        self.outline.items.append(item)
        if self._left:
            self._left_for.append(item)
        if parent is not None:
            parent.last = item
            if _IMPORT.search(self._mask[begin : statement.end]):
                _mark_tries(parent)


def _mark_tries(block: Block | None) -> None:
    """Note an import in the bodies of `try` around it, as far as they run it themselves."""
    while block is not None and block.kind not in (
        *(BlockKind.FUNCTION, BlockKind.CLASS, BlockKind.HANDLER, BlockKind.FINALLY),
    ):
        if block.kind is BlockKind.TRY:
            block.tries_import = True
        block = block.parent
